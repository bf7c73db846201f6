"""Whose a session is, and who may say so."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.db.engine import Database
from tests.people import Company, Person
from tests.people import Founder as Founding

URL = "/api/v1/ingest/batches"
NOW = datetime.now(UTC).replace(microsecond=0)


def session(name: str, minutes: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": name, "created_at": (NOW - timedelta(minutes=60 - minutes)).isoformat(), **more}


def message(session: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return {"session_id": session, "id": f"m{number}", "role": "user", "created_at": NOW.isoformat(), **more}


async def send(client: httpx.AsyncClient, person: Person, **batch: Any) -> list[str]:
    """The codes of what was rejected."""
    answer = await client.post(URL, json=batch, headers=person.headers)
    assert answer.status_code in {200, 207}, answer.text
    body = answer.json()
    assert body["received"] == body["stored"] + body["unchanged"] + body["rejected"] == sum(map(len, batch.values()))
    return [error["code"] for error in body["errors"]]


async def owners(database: Database, company: Company) -> dict[str, UUID]:
    """By session; the messages say the same, and the rollup by member counts them."""
    async with database.transaction(company.id, read_only=True) as tx:
        rows = await tx.driver.fetch(
            "SELECT id, external_id, user_id FROM ai_sessions WHERE account_id = $1", tx.account
        )
        said = await tx.driver.fetch("SELECT session_id, user_id FROM messages WHERE account_id = $1", tx.account)
        days = await tx.driver.fetch(
            "SELECT user_id, messages FROM member_days WHERE account_id = $1 AND messages <> 0", tx.account
        )
    by_session = {row["id"]: row["user_id"] for row in rows}
    assert all(by_session[row["session_id"]] == row["user_id"] for row in said)
    counted = [row["user_id"] for row in days for _ in range(row["messages"])]
    assert sorted(counted) == sorted(row["user_id"] for row in said)
    return {row["external_id"]: row["user_id"] for row in rows}


async def test_an_admin_names_the_member_by_id_or_by_email(
    client: httpx.AsyncClient, company: Company, database: Database
) -> None:
    mail = company.engineer.email.upper()
    rows = [session("a", user_id=str(company.viewer.id)), session("b", user_email=mail), session("c")]
    assert await send(client, company.admin, sessions=rows, messages=[message(name) for name in "abc"]) == []
    assert await owners(database, company) == {
        "a": company.viewer.id,
        "b": company.engineer.id,
        "c": company.admin.id,
    }


async def test_a_member_of_another_account_is_as_unknown_as_nobody(
    client: httpx.AsyncClient, company: Company, other_company: Company
) -> None:
    def said(answer: httpx.Response) -> list[tuple[str, str]]:
        return [(error["code"], error["detail"]) for error in answer.json()["errors"]]

    stranger = str(other_company.viewer.id)
    rows = [session("s", user_id=stranger), session("s", user_id=str(UUID(int=5)))]
    first, second = said(await client.post(URL, json={"sessions": rows}, headers=company.admin.headers))
    assert first == second
    assert first[0] == "unknown_member"


@pytest.mark.parametrize("name", ["nobody@example.com", "no address", "", "nul\0@example.com", "a@b\n", "é" * 200])
async def test_who_is_no_member_is_a_reason_and_keeps_no_other_row_out(
    client: httpx.AsyncClient, company: Company, name: str
) -> None:
    for field, kind, row in (
        ("user_email", "sessions", session("s")),
        ("handed_off_by", "handoffs", {**session("h"), "session_id": "s"}),
        ("claimed_by", "handoffs", {**session("h"), "session_id": "s"}),
    ):
        rejected = await send(client, company.admin, messages=[message("s")], **{kind: [{**row, field: name}]})
        assert rejected in ([], ["unknown_member"], ["invalid"]), field
        assert (rejected == []) == (name == ""), field


async def test_an_inactive_members_past_is_still_theirs(
    client: httpx.AsyncClient, company: Company, database: Database
) -> None:
    gone = f"/api/v1/users/{company.viewer.id}"
    assert (await client.patch(gone, json={"active": False}, headers=company.owner.headers)).status_code == 200
    rows = [session("s", user_email=company.viewer.email)]
    assert await send(client, company.admin, sessions=rows) == []
    assert await owners(database, company) == {"s": company.viewer.id}


async def create_members(client: httpx.AsyncClient, company: Company) -> None:
    answer = await client.patch("/api/v1/account", json={"create_members": True}, headers=company.owner.headers)
    assert answer.status_code == 200


async def test_members_are_made_on_first_sight_where_the_account_says_so(
    client: httpx.AsyncClient, company: Company
) -> None:
    await create_members(client, company)
    rows = [session(f"s{n}", user_email=" New@Example.com" if n else "new@example.com") for n in range(2)]
    assert await asyncio.gather(*(send(client, company.admin, sessions=rows) for _ in range(4))) == [[]] * 4
    found = (await client.get("/api/v1/users", headers=company.admin.headers)).json()["rows"]
    made = [user for user in found if user["email"] == "new@example.com"]
    assert [(user["name"], user["account_role"]) for user in made] == [("new", "viewer")]


@pytest.mark.parametrize("name", ["@", "a@", "@b", "a@b@c", "a b@c", f"{'a' * 240}@example.com", "x", str(UUID(int=9))])
async def test_what_is_no_address_makes_no_member(client: httpx.AsyncClient, company: Company, name: str) -> None:
    await create_members(client, company)
    before = (await client.get("/api/v1/users", headers=company.admin.headers)).json()
    rejected = await send(client, company.admin, messages=[message("s")], sessions=[session("t", user_email=name)])
    after = (await client.get("/api/v1/users", headers=company.admin.headers)).json()
    if len(name) > 200:
        assert (rejected, len(after["rows"])) == ([], len(before["rows"]) + 1)
    else:
        assert (rejected, after) == (["unknown_member"], before)


async def test_a_viewer_makes_no_members(client: httpx.AsyncClient, company: Company) -> None:
    await create_members(client, company)
    assert await send(client, company.viewer, sessions=[session("s", user_email="new@example.com")]) == [
        "unknown_member"
    ]


async def test_members_bring_in_only_their_own(client: httpx.AsyncClient, company: Company, database: Database) -> None:
    viewer, engineer = company.viewer, company.engineer
    assert await send(client, viewer, sessions=[session("v"), session("v2", user_email=viewer.email)]) == []
    assert await send(client, viewer, sessions=[session("x", user_id=str(engineer.id))]) == ["not_yours"]
    for rows in (
        {"sessions": [session("v", status="done")]},
        {"messages": [message("v")]},
        {"tool_calls": [{"session_id": "v", "id": "1"}]},
        {"steps": [{**session("1"), "session_id": "v"}]},
        {"handoffs": [{**session("1"), "session_id": "v2"}]},
    ):
        assert await send(client, engineer, **rows) == ["not_yours"]
    assert await owners(database, company) == {"v": viewer.id, "v2": viewer.id}


async def test_a_member_cannot_take_anothers_message_by_its_global_id(
    client: httpx.AsyncClient, company: Company, database: Database
) -> None:
    theirs = message("z", global_id="g", input_tokens=1)
    assert await send(client, company.viewer, messages=[theirs]) == []
    await send(client, company.engineer, messages=[message("a", global_id="g", input_tokens=9)])
    async with database.transaction(company.id, read_only=True) as tx:
        rows = await tx.driver.fetch("SELECT user_id, input_tokens FROM messages WHERE account_id = $1", tx.account)
    assert [tuple(row) for row in rows] == [(company.viewer.id, 1)]


async def test_an_admin_says_later_whose_a_session_is_and_everything_follows(
    client: httpx.AsyncClient, company: Company, database: Database
) -> None:
    assert await send(client, company.admin, messages=[message("s")]) == []
    assert await owners(database, company) == {"s": company.admin.id}
    await send(client, company.admin, sessions=[session("s", 1, user_id=str(company.viewer.id))])
    assert await owners(database, company) == {"s": company.viewer.id}
    await send(client, company.admin, sessions=[session("s", 2, user_id=str(company.engineer.id))])
    assert await owners(database, company) == {"s": company.engineer.id}
    await send(client, company.admin, sessions=[session("s", 1, user_id=str(company.viewer.id))])
    assert await owners(database, company) == {"s": company.engineer.id}


async def test_two_members_who_begin_one_session_at_once_do_not_share_it(
    client: httpx.AsyncClient, founder: Founding, database: Database
) -> None:
    """Whoever comes first has it; the other is refused, however close the race."""
    company = await founder.company()
    people = [company.viewer, company.engineer]
    for number in range(12):
        name = f"s{number}"
        codes = await asyncio.gather(
            *(send(client, person, messages=[message(name, place)]) for place, person in enumerate(people))
        )
        assert sorted(codes) == [[], ["not_yours"]], f"round {number}"
    await owners(database, company)
