"""The periodic jobs. Any number of workers may run: an account's job is done by one of them at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select

from app.admin.founding import account_ids
from app.db.engine import Database, Tx, Unreachable
from app.models.idempotency_key import IdempotencyKey

log = structlog.get_logger("tally.worker")

TICK_S = 5.0
KEEP_ANSWERS = timedelta(hours=48)
BATCH = 5_000


@dataclass(frozen=True)
class Job:
    name: str
    every_s: float
    run: Callable[[Tx], Awaitable[int]]


async def prune_idempotency_keys(tx: Tx) -> int:
    """Answers are promised for 24 hours; twice that leaves room for clocks."""
    old = IdempotencyKey.account_id == tx.account, IdempotencyKey.created_at < datetime.now(UTC) - KEEP_ANSWERS
    batch = select(IdempotencyKey.key).where(*old).limit(BATCH).scalar_subquery()
    chosen = delete(IdempotencyKey).where(*old, IdempotencyKey.key.in_(batch))
    return (await tx.connection.execute(chosen)).rowcount


JOBS = (Job("prune_idempotency_keys", 3600, prune_idempotency_keys),)


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
        async with self._database.transaction(account) as tx:
            mine = func.pg_try_advisory_xact_lock(func.hashtext(job.name), func.hashtext(str(account)))
            if await tx.connection.scalar(select(mine)):
                began = time.monotonic()
                done = await job.run(tx)
                if done:
                    log.info("done", job=job.name, rows=done, ms=round((time.monotonic() - began) * 1000))
