"""The audit under kill -9, at shutdown, and while the database is away: what is lost is bounded, counted, and said."""

import asyncio
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import FastAPI
from structlog.testing import CapturingLogger

from app import audit
from app.db.addresses import Addresses
from app.db.engine import Database, Unreachable
from app.settings import Settings
from tests.people import Company
from tests.process import Running, serving, tally
from tests.serving import Api, operator
from tests.serving import serving as app_serving
from tests.test_audit import entry

# What docs/operate.md says can be lost.
PROMISED = timedelta(seconds=1)


@pytest.fixture
def served(addresses: Addresses, settings: Settings, tmp_path: Path) -> Iterator[Running]:
    assert settings.jwt_secret is not None
    with tally(tmp_path, "serve", **serving(addresses, settings.jwt_secret.get_secret_value())) as running:
        yield running


async def on_record(database: Database, account: UUID) -> set[str]:
    async with database.transaction(account, read_only=True) as tx:
        rows = await tx.driver.fetch("SELECT request_id FROM audit_log WHERE account_id = $1", account)
    return {row["request_id"] for row in rows}


async def test_kill_9_loses_the_reads_of_the_last_second_at_most_and_never_a_change(
    database: Database, company: Company, served: Running
) -> None:
    reads: dict[str, datetime] = {}
    changes: list[str] = []
    async with httpx.AsyncClient(base_url=served.url, timeout=10) as client:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            read = await client.get("/api/v1/analytics/usage", headers=company.engineer.headers)
            assert read.status_code == 200
            reads[read.headers["x-request-id"]] = datetime.now(UTC)
            if len(reads) % 10 == 0:
                days = {"retention_days": 10 + len(changes)}
                change = await client.patch("/api/v1/account", headers=company.admin.headers, json=days)
                changes.append(change.headers["x-request-id"])
        served.process.kill()
        killed = datetime.now(UTC)
    await asyncio.to_thread(served.wait)
    kept = await on_record(database, company.id)
    assert set(changes) <= kept
    assert len(changes) > 3
    lost = [at for request, at in reads.items() if request not in kept]
    assert lost, "nothing was in memory: this proves nothing"
    assert min(lost) > killed - PROMISED
    assert len(kept) > len(changes)


async def test_what_ends_in_order_loses_nothing(database: Database, company: Company, served: Running) -> None:
    async with httpx.AsyncClient(base_url=served.url, timeout=10) as client:
        asked: set[str] = set()
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            answer = await client.get("/api/v1/analytics/usage", headers=company.engineer.headers)
            asked.add(answer.headers["x-request-id"])
        served.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(served.wait)
    assert asked == await on_record(database, company.id)


async def test_what_waits_when_the_application_ends_is_written(addresses: Addresses, database: Database) -> None:
    async with app_serving(addresses) as api:
        company, note = await api.founder.company(), entry(request_id="the last")
        api.app.state.trail.note(str(company.id), note)
    assert await on_record(database, company.id) == {"the last"}


async def test_reads_go_on_while_the_audit_cannot_be_written(
    client: httpx.AsyncClient, app: FastAPI, database: Database, addresses: Addresses, company: Company
) -> None:
    async def read() -> str:
        answer = await client.get("/api/v1/analytics/usage", headers=company.engineer.headers)
        assert answer.status_code == 200
        return answer.headers["x-request-id"]

    async with operator(addresses) as owner, owner.transaction():
        await owner.execute("LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        asked = {await read() for _ in range(20)}
        await asyncio.sleep(audit.INTERVAL_S + 0.3)  # the writer waits by now
        asked |= {await read() for _ in range(20)}
        assert time.monotonic() - began < 5
    for _ in range(100):
        if await app.state.trail.flush() and asked <= await on_record(database, company.id):
            return
        await asyncio.sleep(0.1)
    raise AssertionError


def metric(api: Api, name: str) -> float:
    found = api.app.state.metrics.get_sample_value(name)
    assert found is not None
    return float(found)


async def test_memory_is_bounded_while_the_database_is_away_and_what_is_dropped_is_counted_and_said(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = CapturingLogger()
    monkeypatch.setattr(audit, "log", structlog.wrap_logger(said, processors=[], wrapper_class=structlog.BoundLogger))
    async with app_serving(addresses, TALLY_POOL_TIMEOUT=1) as api:
        companies = [(await api.founder.company()).id for _ in range(3)]
        trail, database = api.app.state.trail, api.database
        monkeypatch.setattr(database, "_pick", nobody)
        notes = [entry() for _ in range(audit.MOST_OF_ONE + 2_000)]
        lost = len(companies) * len(notes) - audit.MOST
        for company in companies:
            for note in notes:
                trail.note(str(company), note)
        assert await trail.flush() is False
        assert metric(api, "tally_audit_waiting") == audit.MOST
        assert metric(api, "tally_audit_dropped_total") == lost
        monkeypatch.undo()
        while not await trail.flush():
            await asyncio.sleep(0.1)
        assert metric(api, "tally_audit_waiting") == 0
        assert metric(api, "tally_audit_written_total") == audit.MOST
        # Neither account fills all of it, and the oldest notes are those that are kept.
        for company, number in zip(companies, (audit.MOST_OF_ONE, audit.MOST - audit.MOST_OF_ONE, 0), strict=True):
            async with database.transaction(company, read_only=True) as tx:
                kept = await tx.driver.fetch("SELECT id FROM audit_log WHERE account_id = $1", company)
            assert {row["id"] for row in kept} == {note.id for note in notes[:number]}
    assert [call.args or call.method_name for call in said.calls] == ["warning"]
    assert said.calls[0].kwargs["notes"] == lost


async def nobody() -> None:
    raise Unreachable("the database is away")


async def test_a_shutdown_does_not_wait_for_a_database_that_is_away(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_serving(addresses) as api:
        company = await api.founder.company()
        monkeypatch.setattr(api.database, "_pick", nobody)
        api.app.state.trail.note(str(company.id), entry())
        began = time.monotonic()
        await api.app.state.trail.close()
        assert time.monotonic() - began < audit.FAREWELL_S + 1
        assert metric(api, "tally_audit_dropped_total") == 1
