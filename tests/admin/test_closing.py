"""DELETE /api/v1/account: nothing stays, in no table and no folder; and nobody else loses anything."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.admin import closing
from app.db.engine import Database
from app.db.leases import Ended, Lease, claim
from app.facts.write import enter
from app.models.account import Account
from app.settings import Settings
from app.web.problems import Unauthorized
from app.worker import jobs
from tests.everything import World, rows_of
from tests.people import Company
from tests.problem import is_problem

ADDRESS = "/api/v1/account"


@pytest.fixture
async def full(world: World, company: Company) -> Company:
    await world.fill(company.viewer, company.engineer, company.owner)
    return company


async def code_of(database: Database, company: Company) -> str:
    async with database.transaction(company.id, read_only=True) as tx:
        return str(await tx.connection.scalar(select(Account.display_code).where(Account.id == company.id)))


async def delete(client: httpx.AsyncClient, company: Company, confirm: str, role: Any = "owner") -> httpx.Response:
    return await client.request("DELETE", ADDRESS, json={"confirm": confirm}, headers=company.of(role).headers)


async def test_no_row_stays_in_any_table_and_no_file(
    client: httpx.AsyncClient, world: World, settings: Settings, full: Company
) -> None:
    before = await world.rows(full.id)
    assert [table for table, rows in before.items() if not rows] == [], "teach tests/everything.py these tables"
    assert len(await world.files(full.id)) == 3
    answer = await delete(client, full, await code_of(world.database, full))
    assert (answer.status_code, answer.json()["done"]) == (200, True), answer.text
    assert {table: rows for table, rows in (await world.rows(full.id)).items() if rows} == {}
    assert await world.files(full.id) == set()
    assert not (settings.data_dir / "transcripts" / str(full.id)).exists()


async def test_another_account_keeps_every_row(
    client: httpx.AsyncClient, world: World, full: Company, other_company: Company
) -> None:
    await world.fill(other_company.viewer)
    before = await world.rows(other_company.id)
    await delete(client, full, await code_of(world.database, full))
    assert await world.rows(other_company.id) == before
    assert len(await world.files(other_company.id)) == 1


@pytest.mark.parametrize("word", ["", "acme", "delete", "Globex"])
async def test_a_wrong_word_deletes_and_closes_nothing(
    client: httpx.AsyncClient, world: World, company: Company, word: str
) -> None:
    before = await world.rows(company.id)
    is_problem(await delete(client, company, word), 422)
    assert await world.rows(company.id) == before
    assert (await client.get("/api/v1/me", headers=company.viewer.headers)).status_code == 200


async def test_the_name_confirms_too(client: httpx.AsyncClient, company: Company) -> None:
    assert (await delete(client, company, "Acme")).json()["done"] is True


async def test_admins_do_not_delete_accounts(client: httpx.AsyncClient, company: Company) -> None:
    is_problem(await delete(client, company, "Acme", "admin"), 403)


async def test_an_account_that_is_being_deleted_is_closed_to_its_members(
    client: httpx.AsyncClient, world: World, full: Company
) -> None:
    made = await client.post("/api/v1/keys", json={"name": "k"}, headers=full.viewer.headers)
    await closing.close(world.database, full.id, "Acme")
    for person in (full.viewer, full.engineer, full.admin, full.owner):
        is_problem(await client.get("/api/v1/me", headers=person.headers), 401)
        is_problem(await client.post("/api/v1/ingest/batches", json={}, headers=person.headers), 401)
    is_problem(await client.post("/api/v1/auth/token", json={"api_key": made.json()["api_key"]}), 401)


async def test_deletion_cut_off_after_any_step_is_resumed(
    world: World, full: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "BATCH", 1)
    await closing.close(world.database, full.id, "Acme")
    left = (await world.rows(full.id)) | {"files": 3}
    for _ in range(6):
        run = closing.finish(world.database, world.storage, full.id)
        for _ in range(3):
            await anext(run, None)
        await run.aclose()
        now = (await world.rows(full.id)) | {"files": len(await world.files(full.id))}
        assert sum(now.values()) < sum(left.values())
        assert now["accounts"] == now["account_directory"] == 1
        left = now
    assert await closing.resume(world.database, world.storage, full.id) > 0
    assert not any((await world.rows(full.id)).values())


async def test_the_worker_deletes_no_account_that_nobody_closed(world: World, full: Company) -> None:
    before = await world.rows(full.id)
    assert await closing.resume(world.database, world.storage, full.id) == 0
    assert await world.rows(full.id) == before


async def test_what_one_call_cannot_do_is_left_to_the_worker(
    client: httpx.AsyncClient, world: World, full: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "BUDGET_S", -1)
    assert (await delete(client, full, "Acme")).json()["done"] is False
    assert (await world.rows(full.id))["accounts"] == 1
    await closing.resume(world.database, world.storage, full.id)
    assert not any((await world.rows(full.id)).values())


async def test_what_the_deletion_runs_into_is_no_answer_to_one_whose_account_is_closed(
    client: httpx.AsyncClient, world: World, full: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to try again, they would be refused."""
    monkeypatch.setattr(closing, "HURRY", "SET LOCAL statement_timeout = '300ms'")
    async with world.database.transaction(full.id) as tx:
        await tx.driver.fetch("SELECT id FROM ai_sessions WHERE account_id = $1 FOR UPDATE", full.id)
        answer = await delete(client, full, "Acme")
        assert (answer.status_code, answer.json()["done"]) == (200, False), answer.text
        assert answer.json()["rows"]["messages"] == 3
    is_problem(await delete(client, full, "Acme"), 401)
    await closing.resume(world.database, world.storage, full.id)
    assert not any((await world.rows(full.id)).values())


async def test_a_worker_goes_on_to_the_end_and_has_its_lease_until_then(world: World, full: Company) -> None:
    (job,) = [job for job in jobs(world.storage) if job.name == "delete_closed_accounts"]
    lease = await claim(world.database, full.id, job.name)
    assert isinstance(lease, Lease)
    await closing.close(world.database, full.id, "Acme")

    async def work() -> Ended:
        async for _ in closing.finish(world.database, world.storage, full.id):
            rows = await world.rows(full.id)
            assert bool(rows["job_leases"]) == bool(rows["accounts"])
        return Ended(items=int(str(await job.run(world.database, full.id))))

    assert (await lease.run(work(), 600)).outcome == "done"
    assert not any((await world.rows(full.id)).values())


async def test_nothing_goes_before_who_was_writing_came_to_an_end(world: World, full: Company) -> None:
    async with world.database.transaction(full.id) as tx:
        await enter(tx)
        await closing.close(world.database, full.id, "Acme")
        before = await world.rows(full.id)
        resuming = asyncio.create_task(closing.resume(world.database, world.storage, full.id))
        await asyncio.wait((resuming,), timeout=0.5)
        assert await world.rows(full.id) == before
    assert await resuming > 0
    assert not any((await world.rows(full.id)).values())


async def test_who_was_let_in_before_writes_nothing_into_a_closed_account(world: World, full: Company) -> None:
    await closing.close(world.database, full.id, "Acme")
    with pytest.raises(Unauthorized):
        async with world.database.transaction(full.id) as tx:
            await enter(tx)


async def test_who_sends_meanwhile_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, world: World, full: Company
) -> None:
    answers: set[int] = set()

    async def send(name: str) -> None:
        for n in range(60):
            rows = rows_of(f"{name}{n}")
            answer = await client.post("/api/v1/ingest/batches", json=rows, headers=full.engineer.headers)
            answers.add(answer.status_code)

    sending = [asyncio.create_task(send(name)) for name in ("a", "b", "c")]
    await asyncio.sleep(0.2)
    assert (await delete(client, full, "Acme")).json()["done"] is True
    await asyncio.gather(*sending)
    assert answers == {200, 401}
    assert not any((await world.rows(full.id)).values())
