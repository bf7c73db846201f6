"""Keys are made here, by the application: time-ordered (UUIDv7), so that new rows sit together in their index."""

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """48 bits of milliseconds, version 7, 74 random bits (RFC 9562)."""
    stamp = time.time_ns() // 1_000_000
    noise = int.from_bytes(os.urandom(10))
    high = stamp << 16 | 0x7000 | noise >> 68
    low = 0x8000_0000_0000_0000 | noise & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=high << 64 | low)
