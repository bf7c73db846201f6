"""The periodic jobs. Every job may be cut off, and done twice at once: what it does is derived from what is there."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import delete, select

from app import audit
from app.admin.founding import account_ids
from app.db.engine import Database, Unreachable
from app.facts import retention
from app.models.idempotency_key import IdempotencyKey
from app.web.answers import translate

log = structlog.get_logger("tally.worker")

TICK_S = 5.0
KEEP_ANSWERS = timedelta(hours=48)
BATCH = 5_000
HOUR_S = 3600.0


@dataclass(frozen=True)
class Job:
    """What is done to each account, and how often; tells how many rows it touched."""

    name: str
    every_s: float
    run: Callable[[Database, UUID], Awaitable[int]]


async def prune_idempotency_keys(database: Database, account: UUID) -> int:
    """Answers are promised for 24 hours; twice that leaves room for clocks."""
    old = IdempotencyKey.account_id == account, IdempotencyKey.created_at < datetime.now(UTC) - KEEP_ANSWERS
    async with database.transaction(account) as tx:
        keys = (await tx.connection.scalars(select(IdempotencyKey.key).where(*old).limit(BATCH))).all()
        chosen = IdempotencyKey.account_id == account, IdempotencyKey.key.in_(keys)
        return (await tx.connection.execute(delete(IdempotencyKey).where(*chosen))).rowcount


async def apply_retention(database: Database, account: UUID) -> int:
    """Delete what the account no longer wants kept."""
    return sum([cleared.rows async for cleared in retention.apply(database, account)])


JOBS = (
    Job("prune_idempotency_keys", HOUR_S, prune_idempotency_keys),
    Job("apply_retention", 24 * HOUR_S, apply_retention),
    Job("prune_audit", 24 * HOUR_S, audit.prune),
)


class Worker:
    """Runs each job at its cadence until told to stop. A job that fails is logged and comes round again."""

    def __init__(self, database: Database, alive: Path, jobs: tuple[Job, ...] = JOBS) -> None:
        self._database = database
        self._alive = alive
        self._jobs = jobs
        self._due = {job.name: 0.0 for job in jobs}

    async def run(self, stop: asyncio.Event) -> None:
        log.info("working", jobs=[job.name for job in self._jobs])
        while not stop.is_set():
            self._alive.touch()
            for job in self._jobs:
                if not stop.is_set() and time.monotonic() >= self._due[job.name]:
                    await self._do(job)
            try:
                await asyncio.wait_for(stop.wait(), TICK_S)
            except TimeoutError:
                continue

    async def _do(self, job: Job) -> None:
        # The clock advances on failure too: a job that cannot run must not run hot.
        self._due[job.name] = time.monotonic() + job.every_s
        try:
            for account in await account_ids(self._database):
                await self._do_for(job, account)
        except Unreachable as why:
            self._due[job.name] = time.monotonic() + TICK_S
            log.warning("database away", job=job.name, why=str(why))

    async def _do_for(self, job: Job, account: UUID) -> None:
        """One account's trouble is not another's."""
        began = time.monotonic()
        try:
            rows = await job.run(self._database, account)
        except Unreachable:
            raise
        except Exception as error:  # noqa: BLE001 - a fault in one job must not end the others
            problem = translate(error)
            why = problem.detail if problem else type(error).__name__
            log.warning("failed", job=job.name, account_id=str(account), why=why)
        else:
            if rows:
                took = round((time.monotonic() - began) * 1000)
                log.info("done", job=job.name, account_id=str(account), rows=rows, ms=took)
