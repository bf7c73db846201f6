"""/me/stats/queries and /me/stats/sync: what is on record of the caller, and of nobody else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.audit import Trail
from app.me.notes import NotePage
from app.me.sync import SyncPage
from app.web.schema import in_z
from tests.factories import at
from tests.me.conftest import Own
from tests.people import Company, Person
from tests.problem import is_problem
from tests.test_audit import entry

NOON = at("2026-05-03T12:00")
PARTS = ("queries", "sync")
ACTION = {"queries": "query.usage", "sync": "manifest.fetch"}


@pytest.fixture
async def trail(app: FastAPI) -> AsyncIterator[Trail]:
    found: Trail = app.state.trail
    yield found
    assert await found.flush()


async def note(trail: Trail, person: Person, *notes: dict[str, Any]) -> list[str]:
    entries = [entry(**{"user_id": person.id, "at": NOON, **changed}) for changed in notes]
    for one in entries:
        trail.note(str(person.account_id), one)
    assert await trail.flush()
    return [str(one.id) for one in entries]


@pytest.mark.parametrize("part", PARTS)
async def test_a_member_without_any_sees_none(own: Own, company: Company, part: str) -> None:
    page = await own(company.viewer, part)
    assert (page["rows"], page["next_cursor"]) == ([], None)


async def test_queries_are_every_report_one_read_and_nothing_else(
    client: httpx.AsyncClient, own: Own, trail: Trail, company: Company
) -> None:
    for path in ("analytics/usage?model=m", "analytics/flowpilot/escalations", "me"):
        assert (await client.get(f"/api/v1/{path}", headers=company.admin.headers)).status_code == 200
    export = {"kind": "daily", "format": "ndjson"}
    answer = await client.get("/api/v1/analytics/export", headers=company.admin.headers, params=export)
    assert answer.status_code == 200
    await client.patch("/api/v1/account", headers=company.admin.headers, json={"retention_days": 9})
    assert await trail.flush()
    page = await own(company.admin, "queries")
    NotePage.model_validate(page)
    assert {row["action"] for row in page["rows"]} == {"query.usage", "query.escalations", "query.export"}
    (usage,) = [row for row in page["rows"] if row["action"] == "query.usage"]
    assert (usage["parameters"]["model"], usage["status"], usage["result"]) == ("m", 200, "done")


async def test_reading_one_s_queries_is_no_query_and_on_record_once_a_minute(
    own: Own, trail: Trail, client: httpx.AsyncClient, company: Company
) -> None:
    for _ in range(3):
        assert (await own(company.viewer, "queries"))["rows"] == []
        assert await trail.flush()
    answer = await client.get("/api/v1/admin/audit", headers=company.admin.headers, params={"action": "audit.read"})
    assert 1 <= len(answer.json()["rows"]) <= 2  # the minute may have turned meanwhile


async def test_syncs_are_pushes_and_manifests_and_when_the_last_was(
    client: httpx.AsyncClient, own: Own, trail: Trail, company: Company
) -> None:
    assert await own(company.viewer, "sync") == {"rows": [], "next_cursor": None, "last_pull_at": None}
    headers = {**company.viewer.headers, "X-Tally-Client": "cli"}
    assert (await client.get("/api/v1/sync/manifest", headers=headers)).status_code == 200
    assert (await client.post("/api/v1/sync/pushes", headers=headers, json={"completed": True})).status_code == 200
    await note(trail, company.viewer, {"action": "sync.other"}, {"action": "query.usage"}, {"action": "key.create"})
    page = await own(company.viewer, "sync")
    SyncPage.model_validate(page)
    assert [(row["action"], row["client_kind"]) for row in page["rows"]] == [
        ("sync.trigger", "cli"),
        ("manifest.fetch", "cli"),
    ]
    member = await client.get(f"/api/v1/users/{company.viewer.id}", headers=company.admin.headers)
    assert page["last_pull_at"] == member.json()["last_pull_at"] is not None


@pytest.mark.parametrize("part", PARTS)
async def test_everyone_sees_their_own_alone(
    own: Own, trail: Trail, company: Company, other_company: Company, part: str
) -> None:
    for person in (company.engineer, company.owner, other_company.viewer):
        await note(trail, person, {"action": ACTION[part]})
    (mine,) = await note(trail, company.viewer, {"action": ACTION[part]})
    assert [row["id"] for row in (await own(company.viewer, part))["rows"]] == [mine]
    assert (await own(company.admin, part))["rows"] == []


@pytest.mark.parametrize("part", PARTS)
async def test_pages_hold_each_row_once_also_while_others_come(
    own: Own, trail: Trail, company: Company, part: str
) -> None:
    """L4, many of the very same instant."""
    action = {"action": ACTION[part]}
    moments = [NOON + timedelta(seconds=n % 3) for n in range(17)]
    expected = await note(trail, company.viewer, *({**action, "at": moment} for moment in moments))
    seen: list[dict[str, Any]] = []
    given: dict[str, Any] = {"limit": 4}
    while True:
        page = await own(company.viewer, part, **given)
        seen += page["rows"]
        await note(trail, company.viewer, {**action, "at": NOON + timedelta(seconds=9)})
        if page["next_cursor"] is None:
            break
        given["cursor"] = page["next_cursor"]
    assert sorted(row["id"] for row in seen) == sorted(expected)
    assert [row["at"] for row in seen] == sorted((in_z(moment) for moment in moments), reverse=True)


@pytest.mark.parametrize("part", PARTS)
async def test_half_and_foreign_cursors_are_422(
    client: httpx.AsyncClient, own: Own, trail: Trail, company: Company, other_company: Company, *, part: str
) -> None:
    action = {"action": ACTION[part]}
    for person in (company.viewer, company.engineer, other_company.viewer):
        await note(trail, person, action, action)
    cursor = (await own(company.viewer, part, limit=1))["next_cursor"]
    elsewhere = next(other for other in PARTS if other != part)
    for person, where, given in (
        (company.engineer, part, cursor),
        (other_company.viewer, part, cursor),
        (company.viewer, elsewhere, cursor),
        (company.viewer, part, cursor[: len(cursor) // 2]),
        (company.viewer, part, "e30"),
    ):
        answer = await client.get(f"/api/v1/me/stats/{where}", headers=person.headers, params={"cursor": given})
        is_problem(answer, 422)
