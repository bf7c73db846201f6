"""The two ways the same rows go into the same table: COPY, and the writer with everything it keeps exact."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from app.admin.founding import add_user, create_account
from app.db.engine import Database, Tx
from app.facts.calendar import Calendar
from app.facts.entry import BOOK
from app.facts.write import Facts, Writer, enter
from benchmarks.rows import COLUMNS, Batch, facts, records

ZONE = "Europe/Berlin"
SESSION = "INSERT INTO ai_sessions (account_id, id, user_id) SELECT $1, s, $3 FROM unnest($2::uuid[]) AS s"


@dataclass
class Lane:
    """An account with batches still to come; each call takes the next and tells how many seconds it took."""

    account: UUID
    user: UUID
    waiting: Iterator[Facts]
    last: Facts = field(default_factory=Facts)

    def next(self) -> Facts:
        self.last = next(self.waiting)
        return self.last


async def lane(database: Database, sent: list[Batch], account: UUID | None = None) -> Lane:
    """In a new account, or in one that is there."""
    account = account or (await create_account(database, "Bench", ZONE))["id"]
    user = (await add_user(database, account, "writer@example.com", "admin"))["id"]
    return Lane(account, user, iter([await facts(account, user, batch) for batch in sent]))


async def copy(owner: "asyncpg.Connection[Any]", lane: Lane) -> float:
    """As a superuser, past row-level security; the sessions that the rows belong to are there before."""
    rows = lane.next()
    await owner.execute(SESSION, lane.account, sorted({session.id for session in rows.sessions}), lane.user)
    given = records(lane.account, lane.user, rows)
    began = time.perf_counter()
    await owner.copy_records_to_table("messages", records=given, columns=COLUMNS)
    return time.perf_counter() - began


async def write(database: Database, lane: Lane, rows: Facts, spent: "Counter[str] | None" = None) -> float:
    """One transaction, from BEGIN to COMMIT; `spent` hears how long each statement took."""
    began = time.perf_counter()
    async with database.transaction(lane.account) as tx:
        timed = tx if spent is None else Tx(tx.account, tx.connection, Timed(tx.driver, spent))
        settings = await enter(timed)
        await Writer(timed, Calendar(settings["timezone"]), BOOK).write(rows)
        ended = time.perf_counter()
    if spent is not None:
        spent["commit"] += time.perf_counter() - ended  # type: ignore[assignment]
    return time.perf_counter() - began


class Timed:
    """A driver that notes how long each statement took."""

    def __init__(self, driver: Any, spent: "Counter[str]") -> None:
        self._driver = driver
        self._spent = spent

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def timed(sql: str, *values: object) -> Any:
            began = time.perf_counter()
            try:
                return await getattr(self._driver, name)(sql, *values)
            finally:
                self._spent[named(sql)] += time.perf_counter() - began  # type: ignore[assignment]

        return timed


def named(sql: str) -> str:
    """A statement by its verb and table."""
    words = sql.split()
    match words[0]:
        case "INSERT":
            return f"insert into {words[2]}"
        case "UPDATE":
            return f"update {words[1]}"
    return f"read {words[words.index('FROM') + 1].partition('(')[0]}" if "FROM" in words else "lock"
