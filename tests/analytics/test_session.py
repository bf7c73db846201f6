"""/sessions/{session_id}: one session with all that belongs to it, but for what was said."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.analytics.session import MOST, OneSession, SessionMessages
from tests.analytics.conftest import Read
from tests.factories import Logbook, at
from tests.people import Company
from tests.problem import is_problem

NOON = at("2026-05-03T12:00")


def after(seconds: float) -> Any:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
async def told(log: Logbook, company: Company) -> UUID:
    """A session of the viewer's, claimed by the engineer; beside it another with a message and a call."""
    session = log.session(NOON, user_id=company.viewer.id, workspace="w")
    log.message(session, NOON, role="user", input_tokens=2)
    answer = {"agent_name": "planner", "model_id": "m", "cost_micros": 5, "given_response_ms": 900, "output_tokens": 3}
    log.message(session, after(1), **answer)
    log.message(session, after(2), status="failed", is_error=True, error_kind="overloaded", cost_micros=None)
    log.call(session, after(1), name="search", is_error=True, status="error", given_duration_ms=40)
    log.step(session, after(3))
    people = {"handed_off_by": company.viewer.id, "claimed_by": company.engineer.id}
    log.handoff(session, after(4), intent="refund", priority="high", claimed_at=after(9), **people)
    other = log.messages(NOON)
    log.call(other, NOON, name="not mine")
    await log.write()
    return session


async def test_a_session_shows_its_totals_calls_steps_and_handoffs(told: UUID, read: Read, company: Company) -> None:
    report = await read(f"sessions/{told}")
    OneSession.model_validate(report)
    totals = {name: report["session"][name] for name in ("session_id", "total_tokens", "error_count", "tool_calls")}
    assert totals == {"session_id": str(told), "total_tokens": 5, "error_count": 1, "tool_calls": 1}
    (call,) = report["tool_calls"]["rows"]
    assert (call["name"], call["is_error"], call["duration_ms"]) == ("search", True, 40)
    assert call["occurred_at"] == "2026-05-03T12:00:01Z"
    (step,), (handoff,) = report["steps"]["rows"], report["handoffs"]["rows"]
    assert step["created_at"] == "2026-05-03T12:00:03Z"
    assert (handoff["intent"], handoff["claimed_at"]) == ("refund", "2026-05-03T12:00:09Z")
    assert (handoff["handed_off_by"], handoff["claimed_by"]) == (str(company.viewer.id), str(company.engineer.id))
    assert not any(report[noun]["truncated"] for noun in ("tool_calls", "steps", "handoffs"))


async def test_its_line_is_that_of_the_list(told: UUID, read: Read) -> None:
    rows = (await read("sessions", start_date="2026-05-01", end_date="2026-05-31"))["rows"]
    line = next(row for row in rows if row["session_id"] == str(told))
    assert (await read(f"sessions/{told}"))["session"] == line


async def test_its_messages_come_first_to_last_without_what_they_said(told: UUID, read: Read) -> None:
    report = await read(f"sessions/{told}/messages")
    SessionMessages.model_validate(report)
    shown = [
        (row["role"], row["agent_name"], row["model_id"], row["total_tokens"], row["response_time_ms"], row["cost_usd"])
        for row in report["rows"]
    ]
    assert shown == [
        ("user", None, None, 2, None, "0.000000"),
        ("assistant", "planner", "m", 3, 900, "0.000005"),
        ("assistant", None, None, 0, None, None),
    ]
    assert [(row["is_error"], row["error_kind"]) for row in report["rows"]][1:] == [(False, None), (True, "overloaded")]
    assert set(report["rows"][0]) == set(SessionMessages.model_fields["rows"].annotation.__args__[0].model_fields)  # type: ignore[union-attr]


async def test_pages_of_messages_hold_each_once_also_at_the_same_instant(log: Logbook, read: Read) -> None:
    session = log.messages(*[NOON] * 5, after(1), after(2))
    await log.write()
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await read(f"sessions/{session}/messages", limit=3, cursor=cursor)
        seen += [row["id"] for row in page["rows"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(seen), len(set(seen))) == (7, 7)
    whole = (await read(f"sessions/{session}/messages"))["rows"]
    assert [row["id"] for row in whole] == seen
    assert [row["created_at"] for row in whole] == sorted(row["created_at"] for row in whole)


async def test_lists_that_are_too_long_say_so_and_give_the_first(log: Logbook, read: Read) -> None:
    session = log.session(NOON)
    for second in range(MOST + 1):
        log.call(session, after(second))
    log.step(session, NOON)
    await log.write()
    report = await read(f"sessions/{session}")
    calls = report["tool_calls"]
    assert (len(calls["rows"]), calls["truncated"], report["steps"]["truncated"]) == (MOST, True, False)
    assert calls["rows"][0]["occurred_at"] == "2026-05-03T12:00:00Z"


@pytest.mark.parametrize("below", ["", "/messages"])
async def test_a_session_of_another_account_is_a_missing_one(
    told: UUID, client: httpx.AsyncClient, other_company: Company, below: str
) -> None:
    said = []
    for session in (told, uuid4()):
        answer = await client.get(f"/api/v1/analytics/sessions/{session}{below}", headers=other_company.owner.headers)
        said.append(is_problem(answer, 404)["detail"])
    assert said == ["There is no session with this id in this account."] * 2


@pytest.mark.parametrize("below", ["", "/messages"])
async def test_what_is_known_is_not_sent_again(
    told: UUID, client: httpx.AsyncClient, company: Company, log: Logbook, below: str
) -> None:
    async def ask(tag: str) -> httpx.Response:
        headers = {**company.engineer.headers, "If-None-Match": tag}
        return await client.get(f"/api/v1/analytics/sessions/{told}{below}", headers=headers)

    tag = (await ask("")).headers["etag"]
    assert (await ask(tag)).status_code == 304
    log.message(told, after(60))
    await log.write()
    assert (await ask(tag)).status_code == 200


async def test_where_the_account_shows_each_only_their_own_it_leads_to_nobody_else(
    told: UUID, read: Read, client: httpx.AsyncClient, company: Company
) -> None:
    wall = {"member_detail": "own"}
    (await client.patch("/api/v1/account", json=wall, headers=company.admin.headers)).raise_for_status()
    report = await read(f"sessions/{told}")
    session, (handoff,) = report["session"], report["handoffs"]["rows"]
    assert (session["user_id"], session["external_id"], session["workspace"]) == (None, None, None)
    assert (handoff["handed_off_by"], handoff["claimed_by"]) == (None, str(company.engineer.id))
    as_admin = await read(f"sessions/{told}", company.admin.headers)
    assert as_admin["handoffs"]["rows"][0]["handed_off_by"] == str(company.viewer.id)
    assert as_admin["session"]["workspace"] == "w"
