"""Work that must not be done twice at once: a lease for each account and job, kept in PostgreSQL.

Whoever claims a job holds it for a while and holds on while it works. What was killed lets go by falling silent, and
somebody else takes over. One clock decides, the database's: the machines of two workers may differ. A holder that
cannot say in time that it is still there stops its work before anybody else may begin.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Delete, Insert, Select, Update, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql

from app.db.engine import Database, Tx
from app.db.ids import new_id
from app.models.job_lease import JobLease
from app.models.job_run import JobRun

Outcome = Literal["done", "differs", "partly", "failed", "stopped", "lost"]
LEASE_S = 60.0
# Of the lease: how often it is renewed, and when its holder gives up, so that what it was doing is rolled back before
# the lease is over.
RENEWED, GIVEN_UP = 0.25, 0.75
LEAVE_S = 2.0
RETRY_S = 900.0
KEPT = 20


class Lost(Exception):
    """The lease ran out, or somebody else has it: the work was stopped."""


@dataclass(frozen=True)
class Ended:
    """How a run ended, for those who look later. `fault` is a sentence of ours or a kind of error, never a value."""

    outcome: Outcome = "done"
    items: int = 0
    fault: str | None = None
    # Whether it stopped with more to do, and wants to go on at once.
    is_more: bool = False

    @property
    def columns(self) -> dict[str, object]:
        return {"outcome": self.outcome, "items": self.items, "fault": self.fault}

    @property
    def is_worth_telling(self) -> bool:
        return self.items > 0 or self.outcome != "done"


@dataclass(frozen=True)
class Refused:
    """The job is not to be begun now: another is at it, or it is not due for so many seconds."""

    running: bool
    due_in_s: float


def lease_of(account: UUID, job: str) -> Select[Any]:
    """Locked: of two who look, the second sees what the first did."""
    shown = select(JobLease.due_at, JobLease.holder, JobLease.claimed_at, JobLease.expires_at, now().label("now"))
    return shown.where(JobLease.account_id == account, JobLease.job == job).with_for_update()


def now() -> Any:
    return func.clock_timestamp()


async def instant(tx: Tx) -> datetime:
    moment: datetime = (await tx.connection.execute(select(now()))).scalar_one()
    return moment


def first_lease(account: UUID, job: str, due_at: datetime) -> Insert:
    row = postgresql.insert(JobLease).values(account_id=account, job=job, due_at=due_at)
    return row.on_conflict_do_nothing()


def change(account: UUID, job: str, **values: object) -> Update:
    return update(JobLease).where(JobLease.account_id == account, JobLease.job == job).values(**values)


def older_runs(account: UUID, job: str) -> Delete:
    """All but the last few: ids are in order of time."""
    of_job = JobRun.account_id == account, JobRun.job == job
    oldest = select(JobRun.id).where(*of_job).order_by(JobRun.id.desc()).offset(KEPT).limit(1).scalar_subquery()
    return delete(JobRun).where(*of_job, JobRun.id <= oldest)


async def claim(
    database: Database, account: UUID, job: str, *, only_if_due: bool = False, lease_s: float = LEASE_S
) -> "Lease | Refused":
    """The lease, where nobody has it and the job is due (or is wanted all the same)."""
    asked = time.monotonic()
    async with database.transaction(account) as tx:
        found = (await tx.connection.execute(lease_of(account, job))).one_or_none()
        if found is None:
            await tx.connection.execute(first_lease(account, job, await instant(tx)))
            found = (await tx.connection.execute(lease_of(account, job))).one()
        running = found.holder is not None and found.expires_at > found.now
        wait = (found.due_at - found.now).total_seconds()
        if running or (only_if_due and wait > 0):
            return Refused(running=running, due_in_s=max(wait, 0.0))
        if found.holder is not None:
            gone = Ended("lost", fault="Its process went away.")
            await tell(tx, job, found.holder, gone, began_at=found.claimed_at)
        holder, until = new_id(), found.now + timedelta(seconds=lease_s)
        await tx.connection.execute(change(account, job, holder=holder, claimed_at=found.now, expires_at=until))
    return Lease(database, account, job, lease_s, holder, asked)


async def tell(tx: Tx, job: str, run: UUID, ended: Ended, **when: object) -> None:
    """Add a run to the few that are kept."""
    row = {"account_id": tx.account, "id": run, "job": job, **ended.columns, **when}
    await tx.connection.execute(insert(JobRun).values(row))
    await tx.connection.execute(older_runs(tx.account, job))


@dataclass
class Lease:
    """One run of one job of one account, by this holder alone."""

    database: Database
    account: UUID
    job: str
    lease_s: float
    holder: UUID
    # Our own clock, begun before the database's: what is over here is not yet over there.
    renewed: float
    began: float = field(default_factory=time.monotonic)

    @property
    def left_s(self) -> float:
        """How long the holder may go on without being heard."""
        return self.renewed + self.lease_s * GIVEN_UP - time.monotonic()

    async def run(self, work: Coroutine[Any, Any, Ended], every_s: float) -> Ended:
        """Do the work, be heard meanwhile, and write down how it ended, however it did."""
        ended = Ended("stopped")
        try:
            ended = await self._while_held(work)
        except Exception as error:
            ended = Ended("failed", fault=type(error).__name__)
            raise
        finally:
            await self._give_back(ended, every_s)
        return ended

    async def _while_held(self, work: Coroutine[Any, Any, Ended]) -> Ended:
        working, beating = asyncio.ensure_future(work), asyncio.ensure_future(self._beat())
        try:
            await asyncio.wait((working, beating), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Lost
            return working.result()
        finally:
            for task in (working, beating):
                task.cancel()
            await asyncio.gather(working, beating, return_exceptions=True)

    async def _beat(self) -> None:
        """Ends when the lease is no longer ours, or may soon not be."""
        while self.left_s > 0:
            await asyncio.sleep(min(self.lease_s * RENEWED, self.left_s))
            asked = time.monotonic()
            with contextlib.suppress(Exception):  # away, or busy: there is time to ask again
                async with asyncio.timeout(self.left_s):
                    if not await self._renew():
                        return
                self.renewed = asked

    async def _renew(self) -> bool:
        async with self.database.transaction(self.account) as tx:
            until = await instant(tx) + timedelta(seconds=self.lease_s)
            ours = change(self.account, self.job, expires_at=until).where(JobLease.holder == self.holder)
            return (await tx.connection.execute(ours)).rowcount == 1

    async def _give_back(self, ended: Ended, every_s: float) -> None:
        """To the end, even where its run is being cancelled just now: else the job would wait for the lease to pass."""
        giving = asyncio.ensure_future(self._persist(ended, every_s))
        try:
            await asyncio.shield(giving)
        except asyncio.CancelledError:
            await asyncio.wait((giving,), timeout=LEAVE_S)
            giving.cancel()
            raise

    async def _persist(self, ended: Ended, every_s: float) -> None:
        """Again and again while the lease is ours: a database that restarts shall not make a run be lost."""
        while True:
            try:
                async with asyncio.timeout(max(self.left_s, LEAVE_S)):
                    return await self._record(ended, pause_after(ended, every_s))
            except Exception:  # noqa: BLE001 - whatever it is, it falls to the lease's end
                if ended.outcome == "stopped" or self.left_s < LEAVE_S:
                    return None
                await asyncio.sleep(LEAVE_S / 2)

    async def _record(self, ended: Ended, pause_s: float) -> None:
        ms = round((time.monotonic() - self.began) * 1000)
        async with self.database.transaction(self.account) as tx:
            found = (await tx.connection.execute(lease_of(self.account, self.job))).one_or_none()
            if found is None or found.holder != self.holder:
                return
            free = {"holder": None, "claimed_at": None, "expires_at": None}
            when = {"began_at": found.claimed_at, "duration_ms": ms}
            due = found.now + timedelta(seconds=pause_s)
            await tx.connection.execute(change(self.account, self.job, **free, **when, due_at=due, **ended.columns))
            if ended.is_worth_telling:
                await tell(tx, self.job, self.holder, ended, **when)


def pause_after(ended: Ended, every_s: float) -> float:
    """The clock goes on after a failure too, so that what cannot run does not run hot; what was stopped is due."""
    if ended.outcome == "stopped" or ended.is_more:
        return 0.0
    return min(every_s, RETRY_S) if ended.outcome == "failed" else every_s
