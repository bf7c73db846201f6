"""A producer's string id becomes our key without a look-up: a replay meets its own row."""

from functools import lru_cache
from hashlib import sha1
from uuid import UUID

# NUL cannot occur in an id, so no two different pairs of ids give one name.
SEPARATOR = b"\0"


def key(account: UUID, *names: str) -> UUID:
    """uuid5 in the namespace of the account, written out: uuid.uuid5 costs twice as much."""
    digest = sha1(account.bytes + SEPARATOR.join([n.encode() for n in names]), usedforsecurity=False).digest()
    number = int.from_bytes(digest[:16])
    number &= ~(0xC000 << 48) & ~(0xF000 << 64)
    return UUID(int=number | 0x8000 << 48 | 5 << 76)


@lru_cache(maxsize=20_000)
def session_key(account: UUID, session: str) -> UUID:
    return key(account, "session", session)


def fact_key(account: UUID, kind: str, session: str, own: str) -> UUID:
    """What belongs to a session is told apart by the session's id and its own."""
    return key(account, kind, session, own)


def global_key(account: UUID, kind: str, own: str) -> UUID:
    """What a provider names for all the world is one fact, whichever session or source reports it."""
    return key(account, kind + " anywhere", own)
