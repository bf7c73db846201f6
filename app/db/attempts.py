"""Whole transactions are tried again where that is safe and helps: after a deadlock, a serialization failure, a cut.

A connection that breaks during COMMIT leaves it unknown whether it happened: only work that may be repeated without
harm belongs here.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import asyncpg

from app.db.engine import Database, Tx

Result = TypeVar("Result")


class Overtaken(Exception):
    """What was looked at first is no longer so: the work would go another way now."""


AGAIN = (
    Overtaken,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.InvalidCachedStatementError,
    ConnectionError,
)
MOST = 6
PAUSE_S = 0.02


async def attempt(database: Database, account: UUID, work: Callable[[Tx], Awaitable[Result]]) -> Result:
    """The work of one transaction, which may run more than once."""
    for tries in range(1, MOST + 1):
        try:
            async with database.transaction(account) as tx:
                return await work(tx)
        except AGAIN:
            if tries == MOST:
                raise
            # Those who met once should not meet again at once.
            await asyncio.sleep(PAUSE_S * tries * (0.5 + random.random()))  # noqa: S311
    raise AssertionError
