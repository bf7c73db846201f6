"""/users: the lines are the members, and add up to what /usage shows."""

import httpx
from sqlalchemy import update

from app.db.engine import Database
from app.models.user import User
from tests.analytics.conftest import Read
from tests.factories import Logbook, at
from tests.people import Company

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
NOON = at("2026-05-03T12:00")


async def test_every_member_is_listed_with_zeros_where_nothing_was_done(read: Read, company: Company) -> None:
    report = await read("users", **MAY)
    assert {line["user_id"] for line in report["users"]} == {
        str(person.id) for person in (company.viewer, company.engineer, company.admin, company.owner)
    }
    assert {(line["messages"], line["sessions"], line["tokens"], line["cost_usd"]) for line in report["users"]} == {
        (0, 0, 0, "0.000000")
    }
    assert {line["last_active_at"] for line in report["users"]} == {None}


async def test_a_member_s_numbers(read: Read, log: Logbook, company: Company) -> None:
    session = log.session(NOON, user_id=company.viewer.id)
    log.message(session, NOON, input_tokens=5, cost_micros=7)
    log.message(session, at("2026-06-07T08:00"), input_tokens=5, cost_micros=7)
    log.session(NOON, user_id=company.viewer.id)
    await log.write()
    first = (await read("users", **MAY))["users"][0]
    assert first == {
        "user_id": str(company.viewer.id),
        "name": "viewer",
        "messages": 1,
        "sessions": 2,
        "tokens": 5,
        "cost_usd": "0.000007",
        "last_active_at": "2026-06-07T08:00:00Z",  # whenever it was
    }


async def test_the_lines_add_up_to_usage_also_with_filters(read: Read, log: Logbook, company: Company) -> None:
    for user in (company.viewer.id, company.admin.id, None):
        session = log.session(NOON, user_id=user)
        log.message(session, NOON, agent_name="a", model_id="m", input_tokens=3)
        log.message(session, at("2026-04-30T12:00"), agent_name="b")
        log.session(NOON, user_id=user)
    await log.write()
    given: dict[str, str]
    for given in ({}, {"agent": "a"}, {"model": "m"}, {"user_id": str(company.viewer.id)}, {"timezone": "Asia/Tokyo"}):
        users = await read("users", **MAY, **given, compare="previous")
        usage = await read("usage", **MAY, **given, compare="previous")
        for noun in ("messages", "sessions", "tokens"):
            assert sum(line[noun] for line in users["users"]) == usage[f"total_{noun}"] == users[f"total_{noun}"]
            assert users["previous"][f"total_{noun}"] == usage["previous"][f"total_{noun}"]


async def test_what_belongs_to_no_member_has_a_line_of_its_own(read: Read, log: Logbook) -> None:
    log.messages(NOON)
    await log.write()
    first = (await read("users", **MAY))["users"][0]
    assert (first["user_id"], first["name"], first["messages"]) == (None, "unknown", 1)


async def test_a_rename_is_seen_though_no_fact_changed(
    client: httpx.AsyncClient, database: Database, company: Company
) -> None:
    headers = company.engineer.headers
    first = await client.get("/api/v1/analytics/users", headers=headers, params=MAY)
    known = headers | {"If-None-Match": first.headers["etag"]}
    assert (await client.get("/api/v1/analytics/users", headers=known, params=MAY)).status_code == 304
    async with database.transaction(company.id) as tx:
        renamed = update(User).where(User.account_id == company.id, User.id == company.viewer.id)
        await tx.connection.execute(renamed.values(name="Ada"))
    again = await client.get("/api/v1/analytics/users", headers=known, params=MAY)
    assert again.status_code == 200
    assert "Ada" in {line["name"] for line in again.json()["users"]}
