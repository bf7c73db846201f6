"""Leases: one at a time for a job of an account, whoever asks, whatever dies."""

import asyncio
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.db.addresses import Addresses
from app.db.engine import Database
from app.db.leases import KEPT, Ended, Lease, Lost, Refused, claim
from app.models.job_lease import JobLease
from app.models.job_run import JobRun
from tests.people import Company
from tests.serving import pool

JOB = "sweep"


async def nothing() -> Ended:
    return Ended()


async def something() -> Ended:
    return Ended(items=7)


async def failing() -> Ended:
    raise ValueError("a secret")


async def long(seconds: float = 30.0) -> Ended:
    await asyncio.sleep(seconds)
    return Ended(items=1)


async def taken(database: Database, account: UUID, lease_s: float = 60.0) -> Lease:
    found = await claim(database, account, JOB, lease_s=lease_s)
    assert isinstance(found, Lease)
    return found


async def row_of(database: Database, account: UUID) -> Any:
    async with database.transaction(account, read_only=True) as tx:
        return (await tx.connection.execute(select(JobLease).where(JobLease.account_id == account))).one()


async def runs_of(database: Database, account: UUID) -> list[Any]:
    async with database.transaction(account, read_only=True) as tx:
        chosen = select(JobRun).where(JobRun.account_id == account).order_by(JobRun.id)
        return list((await tx.connection.execute(chosen)).all())


async def test_of_many_who_claim_at_once_one_has_it(database: Database, company: Company) -> None:
    for _ in range(3):
        found = await asyncio.gather(*(claim(database, company.id, JOB) for _ in range(8)))
        (lease,) = [one for one in found if isinstance(one, Lease)]
        assert all(one.running for one in found if isinstance(one, Refused))
        await lease.run(nothing(), 60)


async def test_another_account_and_another_job_are_leases_of_their_own(
    database: Database, company: Company, other_company: Company
) -> None:
    await taken(database, company.id)
    await taken(database, other_company.id)
    assert isinstance(await claim(database, company.id, "other"), Lease)


async def test_a_lease_is_renewed_as_long_as_its_holder_works(database: Database, company: Company) -> None:
    lease = await taken(database, company.id, lease_s=1.0)
    running = asyncio.create_task(lease.run(long(3.0), 60))
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        found = await claim(database, company.id, JOB)
        assert isinstance(found, Refused)
        assert found.running
        await asyncio.sleep(0.05)
    assert await running == Ended(items=1)


async def test_who_falls_silent_loses_it_and_is_told_so(database: Database, company: Company) -> None:
    silent = await taken(database, company.id, lease_s=0.3)
    await asyncio.sleep(0.4)
    heir = await taken(database, company.id)
    (run,) = await runs_of(database, company.id)
    assert (run.id, run.outcome) == (silent.holder, "lost")
    silent.renewed = time.monotonic()
    with pytest.raises(Lost):
        await silent.run(long(), 60)
    # Nor does what the silent one has to say touch what is the heir's.
    await silent._give_back(Ended(), 60)
    assert (await row_of(database, company.id)).holder == heir.holder


async def test_a_holder_nobody_hears_stops_before_another_may_begin(
    database: Database, addresses: Addresses, company: Company
) -> None:
    lease = await taken(database, company.id, lease_s=2.0)
    began = time.monotonic()
    nowhere = Addresses(addresses.application.set(query={"host": "/nowhere"}), addresses.owner)
    async with pool(nowhere) as away:
        lease.database = away
        stopped: list[float] = []

        async def stubborn() -> Ended:
            try:
                return await long()
            finally:
                stopped.append(time.monotonic() - began)

        with pytest.raises(Lost):
            await lease.run(stubborn(), 60)
    assert 1.0 < stopped[0] < 2.0


@pytest.mark.parametrize(
    ("work", "ended", "wait"),
    [
        (nothing, Ended(), 3600.0),
        (something, Ended(items=7), 3600.0),
        (failing, Ended("failed", fault="ValueError"), 900.0),
    ],
)
async def test_the_clock_goes_on_however_a_run_ends(
    database: Database, company: Company, work: Any, ended: Ended, wait: float
) -> None:
    lease = await taken(database, company.id)
    await asyncio.gather(lease.run(work(), 3600.0), return_exceptions=True)
    row = await row_of(database, company.id)
    assert (row.outcome, row.items, row.fault) == (ended.outcome, ended.items, ended.fault)
    assert (row.holder, row.expires_at) == (None, None)
    assert row.due_at - row.began_at == pytest.approx(timedelta(seconds=wait), abs=timedelta(seconds=5))
    refused = await claim(database, company.id, JOB, only_if_due=True)
    assert isinstance(refused, Refused)
    assert (refused.running, refused.due_in_s > wait - 10) == (False, True)
    # Who wants it all the same need not wait until it is due.
    assert isinstance(await claim(database, company.id, JOB), Lease)


async def test_what_is_cancelled_is_handed_back_and_due_at_once(database: Database, company: Company) -> None:
    lease = await taken(database, company.id)
    running = asyncio.create_task(lease.run(long(), 3600))
    await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await row_of(database, company.id)).outcome == "stopped"
    assert isinstance(await claim(database, company.id, JOB, only_if_due=True), Lease)


async def test_cancelled_while_it_is_written_down_a_run_is_written_down(database: Database, company: Company) -> None:
    for pause in range(8):
        lease = await taken(database, company.id)
        running = asyncio.create_task(lease.run(something(), 3600))
        await asyncio.sleep(pause / 1000)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert (await row_of(database, company.id)).holder is None


async def test_the_last_runs_that_did_something_are_kept(database: Database, company: Company) -> None:
    held = []
    for _ in range(KEPT + 3):
        lease = await taken(database, company.id)
        held.append(lease.holder)
        await lease.run(something(), 60)
        await (await taken(database, company.id)).run(nothing(), 60)
    assert [run.id for run in await runs_of(database, company.id)] == held[-KEPT:]
