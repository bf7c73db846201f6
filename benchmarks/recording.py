"""The statements of a report: noted while it runs, run again by themselves."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.db.engine import Database, Tx
from benchmarks.dataset import Filled

Report = Callable[[Tx], Awaitable[object]]
Run = tuple[str, Sequence[object]]


class Noting:
    """A driver that remembers what it was asked."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.runs: list[Run] = []

    async def fetch(self, sql: str, *values: object) -> Any:
        self.runs.append((sql, values))
        return await self._driver.fetch(sql, *values)

    async def fetchval(self, sql: str, *values: object) -> Any:
        self.runs.append((sql, values))
        return await self._driver.fetchval(sql, *values)

    async def fetchrow(self, sql: str, *values: object) -> Any:
        self.runs.append((sql, values))
        return await self._driver.fetchrow(sql, *values)


async def recorded(database: Database, of: Filled, report: Report) -> list[Run]:
    async with database.transaction(of.id, read_only=True) as tx:
        noting = Noting(tx.driver)
        await report(Tx(tx.account, tx.connection, noting))
        return noting.runs


async def seconds(database: Database, of: Filled, runs: Sequence[Run]) -> float:
    """How long the statements alone take, in an open transaction of the application's role."""
    async with database.transaction(of.id, read_only=True) as tx:
        began = time.perf_counter()
        for sql, values in runs:
            await tx.driver.fetch(sql, *values)
        return time.perf_counter() - began


async def whole(database: Database, of: Filled, report: Report) -> float:
    """How long the report takes, statements and Python."""
    async with database.transaction(of.id, read_only=True) as tx:
        began = time.perf_counter()
        await report(tx)
        return time.perf_counter() - began
