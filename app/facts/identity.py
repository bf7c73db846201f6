"""A producer's string id becomes our key without a look-up: a replay meets its own row."""

from hashlib import sha1
from uuid import UUID

from asyncpg.pgproto import pgproto

# NUL cannot occur in an id, so no two different pairs of ids give one name.
SEPARATOR = "\0"


def key(account: UUID, *names: str) -> UUID:
    """uuid5 in the namespace of the account, written out, as the driver's own kind of UUID.

    uuid.uuid5 costs four times as much, and its UUIDs as much again wherever they are compared or sent.
    """
    digest = sha1(account.bytes + SEPARATOR.join(names).encode(), usedforsecurity=False).digest()
    named = bytearray(digest[:16])
    named[6] = named[6] & 0x0F | 0x50
    named[8] = named[8] & 0x3F | 0x80
    return pgproto.UUID(bytes(named))


def session_key(account: UUID, session: str) -> UUID:
    return key(account, "session", session)


def fact_key(account: UUID, kind: str, session: str, own: str) -> UUID:
    """What belongs to a session is told apart by the session's id and its own."""
    return key(account, kind, session, own)


def global_key(account: UUID, kind: str, own: str) -> UUID:
    """What a provider names for all the world is one fact, whichever session or source reports it."""
    return key(account, kind + " anywhere", own)
