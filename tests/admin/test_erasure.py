"""DELETE /api/v1/users/{id}/data: one member's work is gone from every table and report; everybody else's stays."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from app.admin import erasure
from app.audit import Trail
from app.db.engine import Database
from app.facts import upkeep
from app.facts.identity import session_key
from app.settings import Settings
from tests.audit_rows import audited
from tests.everything import World, rows_of, sent
from tests.people import Company, Person
from tests.problem import is_problem


@pytest.fixture
def trail(app: FastAPI) -> Trail:
    found: Trail = app.state.trail
    return found


@pytest.fixture
async def full(world: World, company: Company) -> Company:
    await world.fill(company.viewer, company.engineer, company.admin)
    return company


async def erase(client: httpx.AsyncClient, by: Person, whom: Person) -> httpx.Response:
    return await client.delete(f"/api/v1/users/{whom.id}/data", headers=by.headers)


async def wrong(database: Database, company: Company) -> list[Any]:
    return [d async for progress in upkeep.verify(database, company.id) for d in progress.differences]


async def test_nothing_but_the_member_their_keys_and_their_changes_names_the_person(
    client: httpx.AsyncClient, world: World, full: Company
) -> None:
    """Over every table of the catalogue: a new one that names people must be erased, or be listed here."""
    assert len(await world.naming(full.id, full.viewer.id)) >= 8
    answer = await erase(client, full.admin, full.viewer)
    assert (answer.status_code, answer.json()["done"]) == (200, True), answer.text
    assert answer.json()["rows"].items() >= {"messages": 1, "ai_sessions": 1, "transcripts": 1}.items()
    assert await world.naming(full.id, full.viewer.id) == {"users", "api_keys", "audit_log"}
    assert await world.naming(full.id, session_key(full.id, f"session of {full.viewer.id}")) == set()


async def test_what_they_read_and_synchronised_is_forgotten_what_they_changed_or_were_refused_is_not(
    client: httpx.AsyncClient, database: Database, trail: Trail, full: Company
) -> None:
    async def actions() -> set[str]:
        return {row.action for row in await audited(database, full.id) if row.user_id == full.viewer.id}

    is_problem(await client.get("/api/v1/analytics/usage", headers=full.viewer.headers), 403)
    assert await trail.flush()
    assert {"manifest.fetch", "key.create", "query.usage"} <= await actions()
    await erase(client, full.admin, full.viewer)
    assert await actions() == {"key.create", "query.usage"}
    (last,) = [row for row in await audited(database, full.id) if row.action == "user.erase"]
    assert (last.user_id, last.resource) == (full.admin.id, str(full.viewer.id))
    shown = await client.get(f"/api/v1/users/{full.viewer.id}", headers=full.admin.headers)
    assert shown.json()["last_pull_at"] is None


async def test_the_raw_files_go_and_others_stay(
    client: httpx.AsyncClient, world: World, settings: Settings, full: Company
) -> None:
    folder = settings.data_dir / "transcripts" / str(full.id)
    stray = world.folder / "stray"
    stray.write_bytes(b"{}")
    await world.storage.keep(stray, f"{full.id}/{full.viewer.id}/nobody-knows")
    assert len(await world.files(full.id)) == 4
    await erase(client, full.admin, full.viewer)
    left = await world.files(full.id)
    assert len(left) == 2
    assert not any(str(full.viewer.id) in key for key in left)
    assert {path.name for path in folder.iterdir()} == {str(full.engineer.id), str(full.admin.id)}


async def test_reports_say_what_is_left_and_a_rebuild_finds_nothing_to_do(
    client: httpx.AsyncClient, database: Database, full: Company
) -> None:
    async def messages(path: str) -> Any:
        report = (await client.get(f"/api/v1/analytics/{path}", headers=full.admin.headers)).json()
        return {line["user_id"]: line["messages"] for line in report["users"]}

    before = await messages("users")
    await erase(client, full.admin, full.viewer)
    assert await messages("users") == before | {str(full.viewer.id): 0}
    assert (await client.get("/api/v1/analytics/usage", headers=full.admin.headers)).json()["total_messages"] == 2
    assert await wrong(database, full) == []
    _ = [progress async for progress in upkeep.rebuild(database, full.id)]
    assert await messages("users") == before | {str(full.viewer.id): 0}


async def test_erased_twice_is_erased_once(client: httpx.AsyncClient, full: Company) -> None:
    await erase(client, full.admin, full.viewer)
    assert (await erase(client, full.admin, full.viewer)).json() == {"rows": {}, "done": True}


async def test_what_is_sent_afterwards_comes_in_again(
    client: httpx.AsyncClient, database: Database, full: Company
) -> None:
    await erase(client, full.admin, full.viewer)
    answer = await sent(client, full.viewer, "/api/v1/ingest/batches", rows_of(f"session of {full.viewer.id}"))
    assert answer["stored"] == answer["received"] == 5
    assert await wrong(database, full) == []


async def test_more_than_one_call_should_take_is_said_and_gone_on_with(
    client: httpx.AsyncClient, world: World, full: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "BUDGET_S", -1)
    calls = 1
    while not (await erase(client, full.admin, full.viewer)).json()["done"]:
        calls += 1
        assert calls < 10
    assert calls > 2
    assert await world.naming(full.id, full.viewer.id) == {"users", "api_keys", "audit_log"}


async def test_admins_are_erased_by_an_owner_alone(client: httpx.AsyncClient, full: Company) -> None:
    """Not by themselves: an admin would wipe what they had looked at."""
    for whom in (full.admin, full.owner):
        assert (await erase(client, full.owner, whom)).status_code == 200
        assert "owner" in is_problem(await erase(client, full.admin, whom), 403)["detail"]
    for by in (full.viewer, full.engineer):
        is_problem(await erase(client, by, by), 403)


async def test_another_account_is_neither_seen_nor_touched(
    client: httpx.AsyncClient, world: World, full: Company, other_company: Company
) -> None:
    await world.fill(other_company.viewer)
    before = await world.rows(other_company.id)
    foreign = await erase(client, full.owner, other_company.viewer)
    missing = await client.delete(f"/api/v1/users/{uuid4()}/data", headers=full.owner.headers)
    assert is_problem(foreign, 404)["detail"] == is_problem(missing, 404)["detail"]
    await erase(client, full.owner, full.viewer)
    assert await world.rows(other_company.id) == before
    assert len(await world.files(other_company.id)) == 1
