"""The worker: with real processes, real signals and a real database that goes away."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.db.addresses import Addresses
from app.db.engine import Database, Tx
from app.db.leases import Ended, Lease, claim
from app.models.job_lease import JobLease
from app.models.job_run import JobRun
from app.web.problems import Unprocessable
from app.worker import Job, Pace, Worker, jobs
from tests.away import Away
from tests.people import Founder
from tests.server import migrate
from tests.serving import empty_database, pool, serving
from tests.transcripts.library import library_of
from tests.transcripts.test_administration import LOG
from tests.working import PATIENCE_S, at_work, log_of, shifts, until_begun, worker

PROMISED_S = 10.0
FAST = Pace(tick_s=0.05, grace_s=0.2)


@pytest.fixture
def apart(addresses: Addresses) -> Iterator[Addresses]:
    """A database whose accounts are this test's alone: a worker serves them all."""
    with empty_database(addresses) as found:
        migrate(found)
        yield found


@pytest.fixture
async def database(apart: Addresses) -> AsyncIterator[Database]:
    async with pool(apart) as found:
        yield found


@pytest.fixture
async def account(apart: Addresses) -> UUID:
    async with serving(apart) as api:
        return (await api.founder.company()).id


async def lease_of(database: Database, account: UUID, job: str) -> Any:
    async with database.transaction(account, read_only=True) as tx:
        chosen = select(JobLease).where(JobLease.account_id == account, JobLease.job == job)
        return (await tx.connection.execute(chosen)).one_or_none()


async def outcomes_of(database: Database, account: UUID, job: str) -> list[str]:
    async with database.transaction(account, read_only=True) as tx:
        chosen = select(JobRun.outcome).where(JobRun.account_id == account, JobRun.job == job).order_by(JobRun.id)
        return list((await tx.connection.execute(chosen)).scalars())


async def ended(database: Database, account: UUID, job: str, outcome: str = "done") -> Any:
    """The lease of a job once a run of it has ended so."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = await lease_of(database, account, job)
        if found is not None and found.outcome == outcome:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(job)


@asynccontextmanager
async def working(database: Database, folder: Path, *jobs: Job, pace: Pace = FAST) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(Worker(database, folder / "alive", jobs, pace).run(stop))
    try:
        yield stop
        stop.set()
        await task
    finally:
        task.cancel()


async def test_two_workers_and_a_trigger_never_do_one_job_at_once(
    apart: Addresses, database: Database, account: UUID, tmp_path: Path
) -> None:
    """Each does it for 50 ms, again and again, with a rest in which another may get hold of it."""
    notebook = tmp_path / "notebook"
    triggered = 0
    way = ("at_work", 0.05, 0.1, 5.0)
    with worker(apart, notebook, way) as one, worker(apart, notebook, way) as two:
        for process in (one, two):
            await until_begun(notebook, process)
        until = time.monotonic() + 5
        while time.monotonic() < until:
            found = await claim(database, account, "at_work")
            if isinstance(found, Lease):
                job = at_work(notebook, 0.05)

                async def once(job: Job = job) -> Any:
                    return Ended(items=await job.run(database, account))  # type: ignore[arg-type]

                await found.run(once(), 0.0)
                triggered += 1
            await asyncio.sleep(0.01)
    done = sorted(shifts(notebook), key=lambda shift: shift.began)
    assert {shift.process for shift in done} == {one.pid, two.pid, os.getpid()}
    assert triggered > 3 < len(done) - triggered
    assert all(first.ended <= second.began for first, second in pairwise(done) if first.ended < float("inf"))


async def test_a_killed_workers_job_is_taken_over_when_its_lease_is_over_and_not_before(
    apart: Addresses, database: Database, account: UUID, tmp_path: Path
) -> None:
    notebook, lease_s = tmp_path / "notebook", 2.0
    with worker(apart, notebook, ("at_work", 60.0, 3600.0, lease_s)) as victim:
        await until_begun(notebook, victim)
        with worker(apart, notebook, ("at_work", 0.0, 3600.0, lease_s)) as heir:
            # Longer than a lease: it is renewed, so nobody else begins.
            await asyncio.sleep(lease_s * 1.5)
            assert len(shifts(notebook)) == 1
            killed = time.monotonic()
            victim.kill()
            shift = await until_begun(notebook, heir)
            assert lease_s * 0.25 < shift.began - killed < lease_s + PROMISED_S
            await ended(database, account, "at_work")
    assert await outcomes_of(database, account, "at_work") == ["lost", "done"]


async def test_a_worker_told_to_end_hands_its_job_back_at_once(
    apart: Addresses, database: Database, account: UUID, tmp_path: Path
) -> None:
    notebook = tmp_path / "notebook"
    with worker(apart, notebook, ("at_work", 600.0, 3600.0, 60.0)) as one:
        await until_begun(notebook, one)
        with worker(apart, notebook, ("at_work", 0.0, 3600.0, 60.0)) as two:
            told = time.monotonic()
            one.send_signal(signal.SIGTERM)
            shift = await until_begun(notebook, two)
            assert shift.began - told < PROMISED_S
            assert await asyncio.to_thread(one.wait, PATIENCE_S) == 0
            assert time.monotonic() - told < PROMISED_S
            await ended(database, account, "at_work")
    assert await outcomes_of(database, account, "at_work") == ["stopped", "done"]


async def test_what_can_end_in_time_ends(database: Database, account: UUID, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def short(_database: Database, _account: UUID) -> int:
        begun.set()
        await asyncio.sleep(0.3)
        return 3

    pace = Pace(tick_s=0.05, grace_s=5)
    async with working(database, tmp_path, Job("short", 3600, short), pace=pace) as stop:
        await begun.wait()
        stop.set()
    found = await lease_of(database, account, "short")
    assert (found.outcome, found.items, found.holder) == ("done", 3, None)


async def test_a_job_that_fails_is_noted_down_and_does_not_run_hot(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    calls: list[float] = []

    async def failing(_database: Database, _account: UUID) -> int:
        calls.append(time.monotonic())
        raise Unprocessable("It cannot be done.")

    async with working(database, tmp_path, Job("failing", 3600, failing)):
        found = await ended(database, account, "failing", "failed")
        await asyncio.sleep(0.5)
    assert len(calls) == 1
    assert (found.outcome, found.fault) == ("failed", "It cannot be done.")
    assert (found.due_at - found.began_at).total_seconds() > 800


async def test_a_slow_job_holds_up_no_other(database: Database, account: UUID, tmp_path: Path) -> None:
    async def slow(_database: Database, _account: UUID) -> int:
        await asyncio.sleep(600)
        return 0

    quick, times = at_work(tmp_path / "notebook", 0.0), 5
    async with working(database, tmp_path, Job("slow", 1, slow), quick):
        deadline = time.monotonic() + PATIENCE_S
        while len(shifts(tmp_path / "notebook")) < times:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert (await lease_of(database, account, "slow")).holder is not None


async def test_one_accounts_slow_job_does_not_hold_up_anothers(
    apart: Addresses, database: Database, account: UUID, tmp_path: Path
) -> None:
    async with serving(apart) as api:
        other = (await api.founder.company()).id

    async def slow_for_one(_database: Database, whose: UUID) -> int:
        await asyncio.sleep(600 if whose == account else 0)
        return 1

    async with working(database, tmp_path, Job("sweep", 3600, slow_for_one)):
        assert (await ended(database, other, "sweep")).items == 1
        assert (await lease_of(database, account, "sweep")).outcome is None


async def test_a_database_that_goes_away_comes_back_to_a_worker_that_goes_on(tmp_path: Path) -> None:
    away = Away(tmp_path / "data")
    try:
        await asyncio.to_thread(migrate, away.addresses)
        async with serving(away.addresses) as api:
            account = (await Founder(api.database, api.app.state.door.authority).company()).id
        notebook = tmp_path / "notebook"
        # So short a lease that what was begun before the server went away is taken over soon.
        with worker(away.addresses, notebook, ("at_work", 0.05, 0.0, 2.0)) as process:
            await until_begun(notebook, process)
            await asyncio.to_thread(away.server.stop)
            deadline = time.monotonic() + PATIENCE_S
            while "database away" not in log_of(notebook).read_text():
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            before = len(shifts(notebook))
            assert process.poll() is None
            await asyncio.to_thread(away.server.start)
            deadline = time.monotonic() + PATIENCE_S
            while len(shifts(notebook)) < before + 3:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            assert {shift.account for shift in shifts(notebook)} == {account}
    finally:
        away.server.stop()


async def test_every_job_of_ours_runs_and_what_was_uploaded_is_read(
    apart: Addresses, database: Database, tmp_path: Path
) -> None:
    async with serving(apart, TALLY_DATA_DIR=tmp_path / "data") as api:
        library = library_of(api.app, api.client, await api.founder.company())
        await library.upload("a.jsonl", LOG)
        every = jobs(library.storage)
        async with working(database, tmp_path, *every):
            for job in every:
                assert (await ended(database, library.company.id, job.name)).holder is None
        assert (await library.totals())["s"]["input"] == 7
        assert {"process:usage", "process:friction", "prune_audit"} <= {job.name for job in every}


async def test_logs_that_an_account_keeps_no_longer_go_within_about_a_minute(
    apart: Addresses, database: Database, tmp_path: Path
) -> None:
    async with serving(apart, TALLY_DATA_DIR=tmp_path / "data") as api:
        library = library_of(api.app, api.client, await api.founder.company())
        await library.upload("a.jsonl", LOG)
        await library.process()
        (job,) = [job for job in jobs(library.storage) if job.name == "discard_logs"]
        assert job.every_s <= 60
        async with working(database, tmp_path, replace(job, every_s=0.1)):
            await ended(database, library.company.id, job.name)
            assert len(await library.raw_files()) == 1
            setting = {"keep_transcripts": False}
            await api.client.patch("/api/v1/account", json=setting, headers=library.company.admin.headers)
            deadline = time.monotonic() + PATIENCE_S
            while await library.raw_files():
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        (log,) = await library.listed()
        assert not log["kept"]


async def test_where_nothing_is_wanted_a_look_is_no_run(database: Database, account: UUID, tmp_path: Path) -> None:
    looks, wanted = 0, False

    async def is_wanted(_tx: Tx) -> bool:
        nonlocal looks
        looks += 1
        return wanted

    job = at_work(tmp_path / "notebook", 0.0)
    async with working(database, tmp_path, Job("sometimes", 0.05, job.run, is_wanted)):
        deadline = time.monotonic() + PATIENCE_S
        while looks < 5:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        # Once when the worker began, whether it was wanted or not.
        assert len(shifts(tmp_path / "notebook")) == 1
        wanted = True
        while len(shifts(tmp_path / "notebook")) < 3:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_what_has_more_to_do_goes_on_at_once(database: Database, account: UUID, tmp_path: Path) -> None:
    left = 3

    async def part(_database: Database, _account: UUID) -> Ended:
        nonlocal left
        left -= 1
        return Ended(items=1, is_more=left > 0)

    async with working(database, tmp_path, Job("parts", 3600, part)):
        deadline = time.monotonic() + PATIENCE_S
        while left > 0:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
    assert left == 0
