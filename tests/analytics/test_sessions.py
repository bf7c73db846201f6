"""/sessions: a keyset list with each session's totals."""

from datetime import timedelta
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db.engine import Database
from tests.analytics.conftest import Read
from tests.factories import Logbook, at
from tests.people import Company, Founder
from tests.problem import is_problem

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
NOON = at("2026-05-03T12:00")


async def test_a_session_and_its_totals(read: Read, log: Logbook, company: Company) -> None:
    session = log.session(NOON, user_id=company.viewer.id, status="open", status_at=NOON)
    log.message(session, NOON, role="user")
    log.message(session, NOON + timedelta(minutes=1), model_id="m", input_tokens=2, output_tokens=3, cost_micros=4)
    log.call(session, NOON, is_error=True)
    await log.write()
    (line,) = (await read("sessions", **MAY))["rows"]
    expected = {
        "session_id": str(session),
        "user_id": str(company.viewer.id),
        "status": "open",
        "created_at": "2026-05-03T12:00:00Z",
        "last_activity_at": "2026-05-03T12:01:00Z",
        "active_seconds": 60.0,
        "user_messages": 1,
        "assistant_messages": 1,
        "tool_calls": 1,
        "tool_errors": 1,
        "total_tokens": 5,
        "cost_usd": "0.000004",
        "models": {"m": 1},
    }
    assert {name: line[name] for name in expected} == expected


async def test_last_updated_first_and_only_those_updated_in_the_window(read: Read, log: Logbook) -> None:
    sessions = [
        log.session(at("2026-04-01"), updated_at=at(time))
        for time in ("2026-04-30T23:59:59", "2026-05-01", "2026-05-31T23:59:59.999999", "2026-06-01")
    ]
    await log.write()
    rows = (await read("sessions", **MAY))["rows"]
    assert [row["session_id"] for row in rows] == [str(sessions[2]), str(sessions[1])]


async def test_filters(read: Read, log: Logbook, company: Company) -> None:
    mine, theirs = log.session(NOON, user_id=company.viewer.id), log.session(NOON)
    log.message(mine, NOON, model_id="m")
    log.message(theirs, NOON, model_id="n")
    await log.write()
    for given_, found in (
        ({"user_id": str(company.viewer.id)}, {mine}),
        ({"model": "n"}, {theirs}),
        ({"model": ["m", "n"]}, {mine, theirs}),
        ({"model": "x"}, set()),
        ({"model": "n", "user_id": str(company.viewer.id)}, set()),
    ):
        rows = (await read("sessions", **MAY, **given_))["rows"]
        assert {row["session_id"] for row in rows} == set(map(str, found))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.integers(0, 3), max_size=12), limit=st.integers(1, 5))
async def test_pages_hold_each_session_once_also_while_others_come(
    client: httpx.AsyncClient, founder: Founder, database: Database, times: list[int], limit: int
) -> None:
    """L4, with many sessions of the very same instant."""
    company = await founder.company()
    log = Logbook(database, company.id)
    sessions = [log.session(NOON + timedelta(seconds=time)) for time in times]
    await log.write()
    seen: list[str] = []
    parameters: dict[str, Any] = {**MAY, "limit": limit}
    while True:
        answer = await client.get("/api/v1/analytics/sessions", headers=company.engineer.headers, params=parameters)
        page = answer.json()
        seen += [row["session_id"] for row in page["rows"]]
        log.session(NOON + timedelta(seconds=9))
        await log.write()
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(map(str, sessions))


async def test_a_cursor_of_another_account_is_refused(
    client: httpx.AsyncClient, log: Logbook, company: Company, other_company: Company
) -> None:
    log.session(NOON)
    log.session(NOON)
    await log.write()
    address, parameters = "/api/v1/analytics/sessions", {**MAY, "limit": "1"}
    first = (await client.get(address, headers=company.engineer.headers, params=parameters)).json()
    stolen = await client.get(
        address, headers=other_company.engineer.headers, params={**parameters, "cursor": first["next_cursor"]}
    )
    is_problem(stolen, 422)
