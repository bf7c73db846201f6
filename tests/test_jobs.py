"""The worker's own jobs, run by a worker: what each does to an account, when it comes again, and who is shown that."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import audit, worker
from app.db.addresses import Addresses
from app.worker import JOBS, Worker
from tests.people import Company
from tests.serving import Api, serving
from tests.test_audit import entry
from tests.test_worker import FAST
from tests.working import PATIENCE_S

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVERY = {"prune_idempotency_keys": HOUR, "apply_retention": DAY, "prune_audit": DAY, "check_rollups": DAY}


@pytest.fixture
async def api(apart: Addresses) -> AsyncIterator[Api]:
    async with serving(apart) as found:
        yield found


@pytest.fixture
async def company(api: Api) -> Company:
    return await api.founder.company()


async def execute(api: Api, company: Company, sql: str, *values: object) -> None:
    async with api.database.transaction(company.id) as tx:
        await tx.driver.execute(sql, company.id, *values)


async def shown_after_a_turn(api: Api, company: Company, folder: Path) -> dict[str, Any]:
    """The jobs as an admin sees them once a worker has done each."""
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(api.database, folder / "alive", JOBS, FAST).run(stop))
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await api.client.get("/api/v1/admin/processors", headers=company.admin.headers)
            shown = {job["name"]: job for job in answer.raise_for_status().json()["jobs"]}
            if EVERY.keys() <= {name for name, job in shown.items() if job["last_run"]}:
                break
            await asyncio.sleep(0.05)
    stop.set()
    await working
    return shown


async def bring(api: Api, company: Company, *days_ago: int) -> None:
    messages = [
        {"session_id": "s", "id": str(n), "role": "user", "created_at": (datetime.now(UTC) - n * DAY).isoformat()}
        for n in days_ago
    ]
    sent = {"json": {"messages": messages}, "headers": company.admin.headers}
    assert (await api.client.post("/api/v1/ingest/batches", **sent)).json()["stored"] == len(messages)  # type: ignore[arg-type]


async def count(api: Api, company: Company, table: str) -> int:
    async with api.database.transaction(company.id) as tx:
        found: int = await tx.driver.fetchval(f"SELECT count(*) FROM {table} WHERE account_id = $1", company.id)
    return found


async def test_each_job_comes_again_at_its_cadence(api: Api, company: Company, tmp_path: Path) -> None:
    shown = await shown_after_a_turn(api, company, tmp_path)
    for name, every in EVERY.items():
        ran, due = (datetime.fromisoformat(at) for at in (shown[name]["last_run"]["began_at"], shown[name]["due_at"]))
        assert every <= due - ran < every + timedelta(minutes=5)
        assert shown[name]["last_run"]["outcome"] == "done"
        assert shown[name]["last_run"]["duration_ms"] >= 0


async def test_what_an_account_no_longer_keeps_goes_and_what_it_keeps_stays(
    api: Api, company: Company, tmp_path: Path
) -> None:
    await bring(api, company, 1, 29, 31, 60)
    settings = {"retention_days": 30}
    (await api.client.patch("/api/v1/account", json=settings, headers=company.admin.headers)).raise_for_status()
    shown = await shown_after_a_turn(api, company, tmp_path)
    assert await count(api, company, "messages") == 2
    assert shown["apply_retention"]["last_run"]["items"] == 2


async def test_answers_that_were_kept_long_enough_go_however_many(
    api: Api, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are promised for a day."""
    monkeypatch.setattr(worker, "BATCH", 3)
    fill = """
        INSERT INTO idempotency_keys (account_id, key, body_sha256, created_at)
        SELECT $1, n::text, sha256('x'), now() - n * interval '6 hours' FROM generate_series(1, 16) AS n
    """
    await execute(api, company, fill)
    shown = await shown_after_a_turn(api, company, tmp_path)
    assert shown["prune_idempotency_keys"]["last_run"]["items"] == 16 - await count(api, company, "idempotency_keys")
    async with api.database.transaction(company.id) as tx:
        left = await tx.driver.fetch("SELECT key FROM idempotency_keys WHERE account_id = $1", company.id)
    assert {"1", "2", "3", "4"} <= {row["key"] for row in left} <= {str(n) for n in range(1, 9)}


async def test_old_rows_of_the_audit_go(api: Api, company: Company, tmp_path: Path) -> None:
    settings = {"audit_days": 30}
    (await api.client.patch("/api/v1/account", json=settings, headers=company.admin.headers)).raise_for_status()
    async with api.database.transaction(company.id) as tx:
        await audit.write(tx, [entry(at=datetime.now(UTC) - days * DAY) for days in (29, 31, 40)])
    shown = await shown_after_a_turn(api, company, tmp_path)
    assert shown["prune_audit"]["last_run"]["items"] == 2


async def test_a_sum_that_drifted_is_found_and_shown(api: Api, company: Company, tmp_path: Path) -> None:
    await bring(api, company, 1, 2)
    await execute(api, company, "UPDATE usage_days SET messages = messages + 1 WHERE account_id = $1")
    shown = await shown_after_a_turn(api, company, tmp_path)
    run = shown["check_rollups"]["last_run"]
    assert (run["outcome"], run["items"] > 0) == ("differs", True)
    assert "tally rollups verify" in run["fault"]
    assert shown["check_rollups"]["recent_runs"][0] == run
