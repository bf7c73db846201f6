"""How memory is given back: what was large goes to the system as soon as it is let go of.

By itself glibc keeps such blocks once one of them was freed, and a full batch then leaves a hole of its size behind.
"""

import ctypes
import sys

# Numbers of glibc's mallopt, and what it begins with before it adapts.
TRIM_THRESHOLD, MMAP_THRESHOLD, LARGE = -1, -3, 128 * 1024


def give_back_at_once() -> None:
    """Where the C library can be told."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGE)
        mallopt(TRIM_THRESHOLD, LARGE)
