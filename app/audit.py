"""Who read and changed what: one table, one statement that writes it, two ways to it.

A change is recorded in its own transaction, so that none is ever missing. Reads, sign-ins and refusals are noted once
they were answered and written behind the answer, many at once: a process that is killed loses those of its last
moment, and no answer ever waits for its note.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID, uuid5

import asyncpg
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.requests import Request

from app.auth.caller import Caller, CallerTx
from app.db.engine import Database, Tx, Unreachable
from app.db.ids import new_id
from app.web.answers import translate
from app.web.problems import Unavailable
from app.web.questions import as_text, outline_of, parameters_of
from app.web.requests import GONE, Exchange

log = structlog.get_logger("tally.audit")

# How long a note waits while the database answers: what kill -9 can lose.
INTERVAL_S = 0.5
# Tried again after this, while it does not.
PAUSE_S = 1.0
# Notes of one transaction.
BATCH = 1_000
# What a process keeps in memory; no account fills all of it.
MOST = 10_000
MOST_OF_ONE = 5_000
# The last chance at shutdown.
FAREWELL_S = 1.5
PRUNE_BATCH = 5_000

DONE, REFUSED, FAILED = "done", "refused", "failed"
WORKER, OPERATOR = "worker", "cli"
ANALYTICS = "/api/v1/analytics/"
# Recorded in a transaction of its own, before the first byte leaves.
EXPORT = f"{ANALYTICS}export"
EXCHANGE, READ_AUDIT, REFUSE = "auth.exchange", "audit.read", "access.refuse"
# By route: the action, and whose it was of.
ACTIONS = {
    "/api/v1/auth/token": (EXCHANGE, None),
    "/api/v1/admin/audit": (READ_AUDIT, "account"),
    "/api/v1/me/stats/queries": (READ_AUDIT, "own"),
}


class Entry(NamedTuple):
    """One row, all but its account."""

    id: UUID
    at: datetime
    user_id: UUID | str | None
    action: str
    resource: str | None
    parameters: str
    result: str = DONE
    status: int | None = None
    duration_ms: int | None = None
    client_kind: str = WORKER
    ip: str | None = None
    request_id: str | None = None


TYPES = "uuid timestamptz uuid varchar varchar text varchar integer integer varchar varchar varchar".split()  # noqa: SIM905 - a list of names
# The same entry twice is one: a batch whose COMMIT went unanswered is simply sent again. Of an account that is gone, or
# never was, nothing is kept: nobody could read it.
INSERT = f"""
    INSERT INTO audit_log (account_id, {", ".join(Entry._fields)})
    SELECT $1, {", ".join(f"t.{name}{'::jsonb' * (name == 'parameters')}" for name in Entry._fields)}
    FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(TYPES, 2))}) AS t ({", ".join(Entry._fields)})
    WHERE EXISTS (SELECT FROM accounts WHERE id = $1)
    ON CONFLICT (account_id, id) DO NOTHING
"""


async def write(tx: Tx, entries: Sequence[Entry]) -> int:
    """How many rows came in."""
    tag = await tx.driver.execute(INSERT, tx.account, *zip(*entries, strict=True))
    return int(tag.rpartition(" ")[2])


async def record(tx: CallerTx, action: str, resource: UUID | None = None, **parameters: object) -> None:
    """`action` is `<noun>.<verb>`; parameters are names and numbers, never content."""
    entry = Entry(
        new_id(), datetime.now(UTC), tx.caller.id, action, str(resource) if resource else None, as_text(parameters),
        client_kind=tx.client_kind, ip=tx.ip, request_id=tx.request_id,
    )  # fmt: skip
    await write(tx, [entry])


async def record_call(
    request: Request, caller: Caller, action: str, resource: UUID | None = None, **parameters: object
) -> None:
    """Before work that takes many transactions: that it was asked for is on record however far it comes."""
    database: Database = request.app.state.database
    async with database.transaction(caller.account_id) as tx:
        await record(CallerTx.of(tx, caller, request), action, resource, **parameters)


async def record_own(tx: Tx, by: str, action: str, resource: UUID | None = None, **parameters: object) -> None:
    """What no member did: the worker by itself (WORKER), or whoever runs this machine, at its terminal (OPERATOR)."""
    named = str(resource) if resource else None
    await write(tx, [Entry(new_id(), datetime.now(UTC), None, action, named, as_text(parameters), client_kind=by)])


def seen(exchange: Exchange) -> Entry | None:
    """What is noted of an answered request; None for what is of no account or needs no note."""
    result = result_of(exchange.status)
    if result is None or (result == DONE and exchange.route == EXPORT):
        return None
    action, resource = named(exchange, result)
    if action is None:
        return None
    user = exchange.caller.get("user_id")
    at = datetime.now(UTC) - timedelta(seconds=exchange.elapsed)
    return Entry(
        id=once_a_minute(exchange, at) if action == READ_AUDIT and result == DONE else new_id(),
        at=at,
        user_id=user,
        action=action,
        resource=resource,
        parameters=asked(exchange, result, action),
        result=result,
        status=exchange.status,
        duration_ms=round(exchange.elapsed * 1000),
        client_kind=exchange.client_kind,
        ip=exchange.ip,
        request_id=exchange.request_id,
    )


def once_a_minute(exchange: Exchange, at: datetime) -> UUID:
    """Who reads the audit page by page is noted for one look at it."""
    caller = exchange.caller
    return uuid5(UUID(caller["account_id"]), f"{exchange.route} {caller['user_id']} {at:%Y%m%d%H%M}")


@cache
def question(route: str) -> str:
    """By the last word of the template: of /sessions/{session_id} it is sessions."""
    return "query." + next(word for word in reversed(route.split("/")) if not word.startswith("{"))


def named(exchange: Exchange, result: str) -> tuple[str | None, str | None]:
    """The action and its resource; no action where none is noted."""
    route = exchange.route
    if route.startswith(ANALYTICS):
        return question(route), exchange.path_parameters.get("session_id") if result == DONE else None
    if route in ACTIONS:
        return ACTIONS[route]
    return (REFUSE, f"{exchange.method} {route}") if result == REFUSED else (None, None)


def asked(exchange: Exchange, result: str, action: str) -> str:
    """What a handler took was in order; anything may have been asked of one that never ran."""
    if result == DONE and action != EXCHANGE:
        return parameters_of(exchange.query, exchange.window)
    return outline_of(exchange.query, exchange.path_parameters)


def result_of(status: int) -> str | None:
    """None for a request that was wrong: it read nothing."""
    if status < 400:
        return DONE
    if status in (401, 403):
        return REFUSED
    return FAILED if status >= GONE else None


class Trail:
    """Notes on their way to the table, in bounded memory."""

    def __init__(self, database: Database, registry: CollectorRegistry) -> None:
        self._database = database
        self._waiting: dict[str, list[Entry]] = {}
        self._count = 0
        self._lost = 0
        self._noted, self._enough, self._closing = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._written = Counter("tally_audit_written", "Audit notes written behind the answer.", registry=registry)
        self._dropped = Counter("tally_audit_dropped", "Audit notes that were lost.", registry=registry)
        waiting = Gauge("tally_audit_waiting", "Audit notes in memory, not yet written.", registry=registry)
        waiting.set_function(lambda: self._count)

    def finished(self, exchange: Exchange) -> None:
        """Every answered request comes by here."""
        account = exchange.caller.get("account_id")
        if account is not None and (entry := seen(exchange)) is not None:
            self.note(account, entry)

    def note(self, account: str, entry: Entry) -> None:
        """Never waits: where there is no room, the note is dropped and counted."""
        if self._count >= MOST or len(self._waiting.get(account, ())) >= MOST_OF_ONE:
            self._lose(1)
            return
        self._waiting.setdefault(account, []).append(entry)
        self._count += 1
        self._noted.set()
        if self._count >= BATCH:
            self._enough.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write what is left; what cannot be written in time is said to be lost."""
        self._closing.set()
        self._noted.set()
        self._enough.set()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=FAREWELL_S)
            self._task.cancel()
            await asyncio.wait((self._task,))
        self._lose(self._count)
        self._say()

    async def flush(self) -> bool:
        """Write what waits now; False where some of it must be tried again."""
        await asyncio.sleep(0)  # what was answered just now is accounted for in the next turn of the loop
        async with self._turn:
            waiting, self._waiting = self._waiting, {}
            self._enough.clear()
            left, away = {}, False
            for account, entries in waiting.items():
                try:
                    left[account] = entries if away else await self._write_all(account, entries)
                except Unreachable:
                    away, left[account] = True, entries
            for account, entries in left.items():
                if entries:
                    self._waiting[account] = [*entries, *self._waiting.get(account, ())]
            self._say()
            return not any(left.values())

    async def _run(self) -> None:
        while not (self._closing.is_set() and not self._count):
            await self._noted.wait()
            self._noted.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), INTERVAL_S)
            if not await self.flush():
                self._noted.set()
                await asyncio.sleep(FAREWELL_S / 10 if self._closing.is_set() else PAUSE_S)

    async def _write_all(self, account: str, entries: list[Entry]) -> list[Entry]:
        """One transaction a batch; gives back what is to be tried again. Raises Unreachable."""
        while entries:
            batch = entries[:BATCH]
            try:
                async with self._database.transaction(UUID(account)) as tx:
                    rows = await write(tx, batch)
                self._written.inc(rows)
            except Unreachable:
                raise
            except asyncpg.ForeignKeyViolationError:
                pass  # the account went this very moment
            except Exception as error:
                if isinstance(translate(error), Unavailable):
                    return entries
                log.exception("audit refused", account_id=account, notes=len(batch))
                self._dropped.inc(len(batch))
            self._count -= len(batch)
            entries = entries[BATCH:]
        return []

    def _lose(self, number: int) -> None:
        self._dropped.inc(number)
        self._lost += number

    def _say(self) -> None:
        if self._lost:
            log.warning("audit lost", notes=self._lost, why="no room to keep them until they can be written")
            self._lost = 0


OLD = "SELECT id FROM audit_log WHERE account_id = $1 AND at < $2 ORDER BY at DESC, id DESC LIMIT $3"
DELETE = "DELETE FROM audit_log WHERE account_id = $1 AND id = ANY ($2)"
KEPT = "SELECT audit_days FROM accounts WHERE id = $1"


async def prune(database: Database, account: UUID) -> int:
    """Delete what is older than the account keeps, in bounded batches, one transaction each."""
    async with database.transaction(account, read_only=True) as tx:
        days = await tx.driver.fetchval(KEPT, account)
    if not days:
        return 0
    before, gone, rows = datetime.now(UTC) - timedelta(days=days), 0, PRUNE_BATCH
    while rows == PRUNE_BATCH:
        async with database.transaction(account) as tx:
            chosen = [row["id"] for row in await tx.driver.fetch(OLD, account, before, PRUNE_BATCH)]
            await tx.driver.execute(DELETE, account, chosen)
            rows = len(chosen)
            if rows:
                await record_own(tx, WORKER, "audit.prune", before=before, rows=rows)
        gone += rows
    return gone
