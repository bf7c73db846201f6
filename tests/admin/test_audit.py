"""/api/v1/admin/audit: filters, facets, pages, and reading it is on record once a minute."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.audit import Trail
from app.web.schema import in_z
from tests.people import Company, Person
from tests.problem import is_problem
from tests.test_audit import entry

ADDRESS = "/api/v1/admin/audit"
NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)


@pytest.fixture
def trail(app: FastAPI) -> Trail:
    found: Trail = app.state.trail
    return found


async def read(client: httpx.AsyncClient, person: Person, **given: Any) -> Any:
    answer = await client.get(ADDRESS, headers=person.headers, params=given)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def history(trail: Trail, company: Company) -> None:
    """Six notes, a minute apart."""
    viewer, engineer = company.viewer.id, company.engineer.id
    notes: tuple[dict[str, Any], ...] = (
        {"user_id": viewer, "action": "query.usage"},
        {"user_id": viewer, "action": "query.agents", "client_kind": "web"},
        {"user_id": engineer, "action": "query.usage"},
        {"user_id": engineer, "action": "key.create", "client_kind": "cli"},
        {"user_id": viewer, "action": "access.refuse", "result": "refused", "status": 403},
        {"user_id": None, "action": "audit.prune", "client_kind": "worker"},
    )
    for n, changed in enumerate(notes):
        trail.note(str(company.id), entry(at=NOON + timedelta(minutes=n), **changed))
    assert await trail.flush()


ALL = ["audit.prune", "access.refuse", "key.create", "query.usage", "query.agents", "query.usage"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, ALL),
        ({"action": "query.usage"}, ["query.usage", "query.usage"]),
        ({"action": "query."}, ["query.usage", "query.agents", "query.usage"]),
        ({"action": "query"}, []),
        ({"action": "query.%"}, []),
        ({"result": "refused"}, ["access.refuse"]),
        ({"client_kind": "cli"}, ["key.create"]),
        ({"since": in_z(NOON + timedelta(minutes=2)), "until": in_z(NOON + timedelta(minutes=4))}, ALL[2:4]),
        ({"user_id": "viewer", "action": "query."}, ["query.agents", "query.usage"]),
    ],
)
async def test_filters_narrow_rows_and_facets_alike(
    client: httpx.AsyncClient, trail: Trail, company: Company, given: dict[str, str], found: list[str]
) -> None:
    await history(trail, company)
    asked = {**given, "user_id": str(company.viewer.id)} if "user_id" in given else given
    page = await read(client, company.admin, **asked)
    assert [row["action"] for row in page["rows"]] == found
    assert page["facets"]["counted"] == len(found)
    counts = {line["action"]: line["count"] for line in page["facets"]["actions"]}
    assert counts == {action: found.count(action) for action in found}


async def test_facets_say_who_did_most(client: httpx.AsyncClient, trail: Trail, company: Company) -> None:
    await history(trail, company)
    page = await read(client, company.admin)
    users = page["facets"]["users"]
    assert [(line["user_id"], line["count"]) for line in users] == [
        (str(company.viewer.id), 3),
        (str(company.engineer.id), 2),
        (None, 1),
    ]
    assert page["facets"]["actions"][0] == {"action": "query.usage", "count": 2}
    assert {row["user_name"] for row in page["rows"]} == {users[0]["name"], users[1]["name"], None}


async def test_pages_hold_each_row_once_while_others_come(
    client: httpx.AsyncClient, trail: Trail, company: Company
) -> None:
    """L4, many rows of the very same instant."""
    notes = [entry(at=NOON) for _ in range(23)]
    for note in notes:
        trail.note(str(company.id), note)
    assert await trail.flush()
    seen: list[str] = []
    given: dict[str, Any] = {"limit": 5, "until": in_z(NOON + timedelta(minutes=1))}
    while True:
        page = await read(client, company.admin, **given)
        seen += [row["id"] for row in page["rows"]]
        assert (page["facets"] is None) == ("cursor" in given)
        trail.note(str(company.id), entry(at=NOON + timedelta(seconds=1)))
        assert await trail.flush()
        if page["next_cursor"] is None:
            break
        given["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(str(note.id) for note in notes)


async def test_a_cursor_of_another_account_or_half_of_one_is_refused(
    client: httpx.AsyncClient, trail: Trail, company: Company, other_company: Company
) -> None:
    await history(trail, company)
    cursor = (await read(client, company.admin, limit=1))["next_cursor"]
    for person, given in ((other_company.admin, cursor), (company.admin, cursor[: len(cursor) // 2])):
        is_problem(await client.get(ADDRESS, headers=person.headers, params={"cursor": given}), 422)


async def test_another_account_s_rows_are_nobody_else_s(
    client: httpx.AsyncClient, trail: Trail, company: Company, other_company: Company
) -> None:
    await history(trail, other_company)
    page = await read(client, company.admin)
    assert (page["rows"], page["facets"]) == ([], {"counted": 0, "actions": [], "users": []})


async def test_reading_the_audit_is_on_record_once_a_minute_and_person(
    client: httpx.AsyncClient, trail: Trail, company: Company
) -> None:
    for _ in range(3):
        for person in (company.admin, company.owner):
            await read(client, person, limit=1)
    assert await trail.flush()
    page = await read(client, company.admin, action="audit.read")
    by = [row["user_id"] for row in page["rows"]]
    assert set(by) == {str(company.admin.id), str(company.owner.id)}
    assert len(by) <= 4  # the minute may have turned meanwhile
    assert len({(row["user_id"], row["at"][:16]) for row in page["rows"]}) == len(by)


async def test_reading_one_s_own_list_does_not_hide_that_everybody_s_was_read(
    client: httpx.AsyncClient, trail: Trail, company: Company
) -> None:
    assert (await client.get("/api/v1/me/stats/queries", headers=company.admin.headers)).status_code == 200
    await read(client, company.admin, limit=1)
    assert await trail.flush()
    page = await read(client, company.admin, action="audit.read")
    assert {row["resource"] for row in page["rows"]} == {"own", "account"}
