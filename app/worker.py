"""The periodic jobs. Any number of workers share them: PostgreSQL says who is at which, one at a time for an account.

Each job has lanes of its own, so that a slow one holds up no other.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import delete, select

from app import audit
from app.admin import closing
from app.admin.founding import account_ids
from app.db import leases
from app.db.engine import Database, Tx, Unreachable
from app.db.files import touch
from app.db.leases import Ended, Refused
from app.facts import retention, upkeep
from app.models.account import Account
from app.models.idempotency_key import IdempotencyKey
from app.transcripts import passes
from app.transcripts.pipeline import Budget, discard, has_unwanted, processors, run_processor, sweep
from app.transcripts.processors.contract import Processor
from app.transcripts.storage import Storage
from app.web.answers import translate

log = structlog.get_logger("tally.worker")

KEEP_ANSWERS = timedelta(hours=48)
BATCH = 5_000
MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
CLOSED_S = 600.0


@dataclass(frozen=True)
class Job:
    """What is done to each account, and how often; tells how many rows it touched, or more."""

    name: str
    every_s: float
    run: Callable[[Database, UUID], Awaitable[int | Ended]]
    # Asked before each turn: where there is nothing to do, no run is noted down. It runs each hour all the same.
    is_wanted: Callable[[Tx], Awaitable[bool]] | None = None


@dataclass(frozen=True)
class Pace:
    """How fast a worker goes about it."""

    tick_s: float = 5.0
    lease_s: float = leases.LEASE_S
    # Accounts that one job is done for at once, in one worker.
    lanes: int = 2
    # What may still end by itself once the worker is told to stop.
    grace_s: float = 3.0
    # What others began or put off is looked at again after so long.
    patience_s: float = HOUR_S


async def prune_idempotency_keys(database: Database, account: UUID) -> int:
    """Answers are promised for 24 hours; twice that leaves room for clocks."""
    old = IdempotencyKey.account_id == account, IdempotencyKey.created_at < datetime.now(UTC) - KEEP_ANSWERS
    pruned = 0
    while True:
        async with database.transaction(account) as tx:
            keys = (await tx.connection.scalars(select(IdempotencyKey.key).where(*old).limit(BATCH))).all()
            chosen = IdempotencyKey.account_id == account, IdempotencyKey.key.in_(keys)
            pruned += (await tx.connection.execute(delete(IdempotencyKey).where(*chosen))).rowcount
        if len(keys) < BATCH:
            return pruned


async def apply_retention(database: Database, account: UUID) -> int:
    """Delete what the account no longer wants kept."""
    return sum([cleared.rows async for cleared in retention.apply(database, account)])


async def check_rollups(database: Database, account: UUID) -> Ended:
    """Count a few days and sessions anew, other ones each time: should sums ever drift, somebody is told."""
    found = await upkeep.sample(database, account)
    if not found:
        return Ended()
    log.warning("rollups differ", account_id=str(account), found=upkeep.explain(found[:10]))
    return Ended("differs", len(found), "Sums differ from their facts: see tally rollups verify, then rebuild.")


async def is_closing(tx: Tx) -> bool:
    """Whether the account is being deleted, and somebody may have to go on with it."""
    asked = select(Account.closing_at).where(Account.id == tx.account)
    return await tx.connection.scalar(asked) is not None


JOBS = (
    Job("prune_idempotency_keys", HOUR_S, prune_idempotency_keys),
    Job("apply_retention", DAY_S, apply_retention),
    Job("prune_audit", DAY_S, audit.prune),
    Job("check_rollups", DAY_S, check_rollups),
)


def jobs(storage: Storage) -> tuple[Job, ...]:
    """All of them, with those of session logs, which lie in this storage."""

    def of_processor(processor: Processor) -> Job:
        async def run(database: Database, account: UUID) -> Ended:
            budget = Budget()
            return passes.ended(await run_processor(database, storage, account, processor.name, budget), budget)

        async def is_wanted(tx: Tx) -> bool:
            return await passes.is_wanted(tx, processor)

        return Job(passes.job_of(processor.name), processor.cadence_s, run, is_wanted)

    async def sweep_logs(database: Database, account: UUID) -> int:
        return await sweep(database, storage, account)

    async def discard_logs(database: Database, account: UUID) -> int:
        return await discard(database, storage, account)

    async def delete_closed_account(database: Database, account: UUID) -> int:
        return await closing.resume(database, storage, account)

    return (
        *JOBS,
        Job("sweep_logs", DAY_S, sweep_logs),
        Job("discard_logs", MINUTE_S, discard_logs, has_unwanted),
        Job("delete_closed_accounts", CLOSED_S, delete_closed_account, is_closing),
        *map(of_processor, processors().values()),
    )


class Worker:
    """Runs each job at its cadence until told to stop. A job that fails is noted down and comes round again."""

    def __init__(self, database: Database, alive: Path, jobs: Sequence[Job] = JOBS, pace: Pace | None = None) -> None:
        self._database = database
        self._alive = alive
        self._pace = pace or Pace()
        self._lanes = [Lane(job, database, self._pace) for job in jobs]

    async def run(self, stop: asyncio.Event) -> None:
        """At the end every job is done, or handed back for another worker to take up at once."""
        log.info("working", jobs=[lane.job.name for lane in self._lanes])
        stopping = asyncio.ensure_future(stop.wait())
        working = [asyncio.ensure_future(lane.run(stop)) for lane in self._lanes]
        working.append(asyncio.ensure_future(self._look_round(stop)))
        try:
            await asyncio.wait((stopping, *working), return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await asyncio.wait(working, timeout=self._pace.grace_s)
        finally:
            for task in (stopping, *working):
                task.cancel()
            ends = await asyncio.gather(*working, return_exceptions=True)
        for end in ends:
            # A lane does not end by itself: what ended it is a fault of ours, and shall not go unseen.
            if isinstance(end, Exception):
                raise end

    async def _look_round(self, stop: asyncio.Event) -> None:
        """Show that the worker is alive, and see which accounts there are."""
        while not stop.is_set():
            touch(self._alive)
            try:
                accounts = await account_ids(self._database)
            except Exception as error:  # noqa: BLE001 - away or not migrated: it may come
                log.warning("database away", why=reason(error))
            else:
                for lane in self._lanes:
                    lane.know(accounts)
            await pause(stop, self._pace.tick_s)


class Lane:
    """One job, for every account when it is due."""

    def __init__(self, job: Job, database: Database, pace: Pace) -> None:
        self.job = job
        self._database = database
        self._pace = pace
        self._places = asyncio.Semaphore(pace.lanes)
        # When to look at an account next; never, while this worker is at it.
        self._next: dict[UUID, float] = {}
        # When this worker last claimed it, wanted or not.
        self._claimed: dict[UUID, float] = {}

    def know(self, accounts: Sequence[UUID]) -> None:
        self._next = {account: self._next.get(account, 0.0) for account in accounts}

    async def run(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as running:
            while not stop.is_set():
                for account, due in list(self._next.items()):
                    if time.monotonic() < due:
                        continue
                    await self._places.acquire()
                    if stop.is_set():
                        return
                    self._next[account] = float("inf")
                    running.create_task(self._turn(account))
                await pause(stop, min(1.0, self._pace.tick_s))

    async def _turn(self, account: UUID) -> None:
        wait = self._pace.tick_s
        try:
            wait = await self._claim(account)
        except Unreachable as why:
            log.warning("database away", job=self.job.name, why=str(why))
        except Exception as error:  # noqa: BLE001 - one account's trouble is not another's
            log.warning("failed", job=self.job.name, account_id=str(account), why=reason(error))
        finally:
            self._places.release()
            if account in self._next:  # it may be gone meanwhile
                self._next[account] = time.monotonic() + wait

    async def _claim(self, account: UUID) -> float:
        """Do the job where it is due and nobody is at it; tells when to look again."""
        job, lease_s = self.job, self._pace.lease_s
        if not await self._is_wanted(account):
            return job.every_s
        found = await leases.claim(self._database, account, job.name, only_if_due=True, lease_s=lease_s)
        if isinstance(found, Refused):
            return self._pace.tick_s if found.running else min(found.due_in_s, self._pace.patience_s)
        ended = await found.run(self._do(account), job.every_s)
        return min(leases.pause_after(ended, job.every_s), self._pace.patience_s)

    async def _is_wanted(self, account: UUID) -> bool:
        """A look costs a statement, a run is written down: with many accounts most looks find nothing to do."""
        if (
            self.job.is_wanted is not None
            and time.monotonic() < self._claimed.get(account, float("-inf")) + self._pace.patience_s
        ):
            async with self._database.transaction(account, read_only=True) as tx:
                if not await self.job.is_wanted(tx):
                    return False
        self._claimed[account] = time.monotonic()
        return True

    async def _do(self, account: UUID) -> Ended:
        began = time.monotonic()
        try:
            done = await self.job.run(self._database, account)
        except Exception as error:  # noqa: BLE001 - a fault in one job must not end the others
            ended = Ended("failed", fault=reason(error))
        else:
            ended = done if isinstance(done, Ended) else Ended(items=done)
        if ended.is_worth_telling:
            said = {"job": self.job.name, "account_id": str(account), "outcome": ended.outcome, "items": ended.items}
            tell = log.info if ended.outcome == "done" else log.warning
            tell("ended", **said, why=ended.fault, ms=round((time.monotonic() - began) * 1000))
        return ended


async def pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def reason(error: Exception) -> str:
    """A sentence, or the kind of a fault nobody foresaw; never a value."""
    problem = translate(error)
    return (problem.detail if problem else type(error).__name__)[:200]
