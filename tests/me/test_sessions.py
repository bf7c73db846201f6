"""/me/stats/sessions: one's own sessions and waiting logs, newest first, each once."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db.engine import Database
from app.me.sessions import OwnSessions
from tests.factories import Logbook, at
from tests.me.conftest import UPLOADED, Own, Upload
from tests.people import Company, Founder
from tests.problem import is_problem

ADDRESS = "/api/v1/me/stats/sessions"
NOON = at("2026-05-03T12:00")
MINUTE = timedelta(minutes=1)


async def test_a_member_without_anything_sees_nothing(own: Own, company: Company) -> None:
    for person in (company.viewer, company.engineer, company.admin, company.owner):
        page = await own(person, "sessions")
        assert page == {"rows": [], "total": 0, "limit": 50, "offset": 0, "next_cursor": None}


async def test_a_session_and_its_totals(own: Own, log: Logbook, company: Company) -> None:
    session = log.session(NOON, user_id=company.viewer.id, model="said", model_at=NOON)
    log.message(session, NOON, role="user")
    for n, model in enumerate(("b", "a", "a", "b"), 1):
        log.message(session, NOON + n * 9 * MINUTE, model_id=model, input_tokens=1, output_tokens=2, cost_micros=5)
    log.message(session, NOON + 60 * MINUTE, role="tool", cache_read_tokens=3, cache_creation_tokens=4)
    log.call(session, NOON, is_error=True)
    await log.write()
    page = await own(company.viewer, "sessions")
    OwnSessions.model_validate(page)
    assert page["rows"] == [
        {
            "session_id": str(session),
            "external_id": str(session),
            "session_file": None,
            "started_at": "2026-05-03T12:00:00Z",
            "ended_at": "2026-05-03T13:00:00Z",
            "active_seconds": 36 * 60.0,
            "wall_seconds": 3600.0,
            "user_messages": 1,
            "assistant_messages": 4,
            "tool_calls": 1,
            "tool_errors": 1,
            "input_tokens": 4,
            "output_tokens": 8,
            "cache_read_tokens": 3,
            "cache_creation_tokens": 4,
            "tokens_total": 19,
            "primary_model": "a",
            "cost_usd": "0.000020",
            "processed": True,
        }
    ]


async def test_a_session_without_messages_lasts_no_time_and_names_its_own_model(
    own: Own, log: Logbook, company: Company
) -> None:
    log.session(NOON, user_id=company.viewer.id, model="said", model_at=NOON)
    await log.write()
    (row,) = (await own(company.viewer, "sessions"))["rows"]
    assert (row["ended_at"], row["wall_seconds"], row["active_seconds"]) == (None, 0.0, 0.0)
    assert (row["primary_model"], row["cost_usd"], row["tokens_total"]) == ("said", "0.000000", 0)


async def test_the_cost_of_what_has_no_price_is_unknown(own: Own, log: Logbook, company: Company) -> None:
    session = log.session(NOON, user_id=company.viewer.id)
    log.message(session, NOON, input_tokens=1, cost_micros=None)
    await log.write()
    assert (await own(company.viewer, "sessions"))["rows"][0]["cost_usd"] is None


async def test_everyone_sees_their_own_alone(
    own: Own, log: Logbook, upload: Upload, company: Company, other_company: Company
) -> None:
    mine, theirs = log.session(NOON, user_id=company.viewer.id), log.session(NOON, user_id=company.engineer.id)
    log.session(NOON)
    await log.write()
    await upload(company.engineer, "theirs.jsonl", NOON)
    for person, seen in ((company.viewer, [(str(mine), None)]), (company.admin, []), (other_company.viewer, [])):
        page = await own(person, "sessions")
        assert [(row["session_id"], row["session_file"]) for row in page["rows"]] == seen
        assert page["total"] == len(seen)
    page = await own(company.engineer, "sessions")
    assert {(row["session_id"], row["session_file"]) for row in page["rows"]} == {
        (str(theirs), None),
        (None, "theirs.jsonl"),
    }


async def test_nobody_can_ask_for_another_s(client: httpx.AsyncClient, company: Company) -> None:
    for part in ("sessions", "tokens", "queries", "sync"):
        answer = await client.get(
            f"/api/v1/me/stats/{part}", headers=company.owner.headers, params={"user_id": str(company.viewer.id)}
        )
        is_problem(answer, 422)


async def test_logs_that_wait_stand_among_sessions_and_know_nothing_yet(
    own: Own, log: Logbook, upload: Upload, company: Company
) -> None:
    early, late = (log.session(NOON + n * MINUTE, user_id=company.viewer.id) for n in (0, 2))
    await log.write()
    await upload(company.viewer, "p/waits.jsonl", NOON + MINUTE)
    page = await own(company.viewer, "sessions")
    OwnSessions.model_validate(page)
    assert [row["session_id"] for row in page["rows"]] == [str(late), None, str(early)]
    waiting = page["rows"][1]
    assert page["total"] == 3
    assert {name for name, value in waiting.items() if value is not None} == {
        "session_file",
        "started_at",
        "processed",
    }
    assert (waiting["session_file"], waiting["processed"]) == ("p/waits.jsonl", False)


async def test_a_log_that_was_read_is_its_session_s_file_and_waits_again_when_it_grew(
    client: httpx.AsyncClient, own: Own, upload: Upload, company: Company
) -> None:
    sessions = {"sessions": [{"id": "s1", "created_at": "2026-05-03T12:00:00Z"}]}
    answer = await client.post("/api/v1/ingest/batches", headers=company.viewer.headers, json=sessions)
    assert answer.status_code == 200, answer.text
    pushed = [
        {"name": name, "sha256": "a" * 64, "size": 1, "sessions": [{"session_id": "s1"}]}
        for name in ("p/s1/subagents/agent.jsonl", "p/s1.jsonl", "p/s2.jsonl")
    ]
    answer = await client.post("/api/v1/sync/pushes", headers=company.viewer.headers, json={"files": pushed})
    assert answer.status_code == 200, answer.text

    async def seen() -> list[tuple[Any, ...]]:
        page = await own(company.viewer, "sessions")
        assert page["total"] == len(page["rows"])
        return [(row["external_id"], row["session_file"], row["processed"]) for row in page["rows"]]

    assert await seen() == [("s1", "p/s1.jsonl", True)]
    await upload(company.viewer, "p/s1/subagents/agent.jsonl", NOON)
    assert await seen() == [("s1", "p/s1.jsonl", False)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=14), limit=st.integers(1, 5))
async def test_pages_hold_each_row_once_also_while_others_come(
    client: httpx.AsyncClient, founder: Founder, database: Database, times: list[tuple[int, bool]], limit: int
) -> None:
    """L4, with many of the very same instant, sessions and waiting logs mixed."""
    company = await founder.company()
    log, expected = Logbook(database, company.id), list[str]()
    mine = company.viewer.id

    async def wait(name: str, second: int) -> None:
        async with database.transaction(company.id) as tx:
            await tx.driver.execute(UPLOADED, company.id, uuid4(), mine, name, NOON + timedelta(seconds=second))

    for n, (second, waits) in enumerate(times):
        if waits:
            await wait(f"{n}", second)
            expected.append(f"{n}")
        else:
            expected.append(str(log.session(NOON + timedelta(seconds=second), user_id=mine)))
    await log.write()
    seen: list[str] = []
    parameters: dict[str, Any] = {"limit": limit}
    while True:
        page = (await client.get(ADDRESS, headers=company.viewer.headers, params=parameters)).json()
        seen += [row["session_id"] or row["session_file"] for row in page["rows"]]
        log.session(NOON + timedelta(seconds=9), user_id=mine)
        await log.write()
        await wait(f"late {len(seen)}", 9)
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(expected)


async def test_offsets_and_cursors_give_the_same_pages(
    own: Own, log: Logbook, upload: Upload, company: Company
) -> None:
    chance = random.Random(7)
    for n in range(25):
        when = NOON + chance.randrange(10) * MINUTE
        if n % 5:
            log.session(when, user_id=company.viewer.id)
        else:
            await upload(company.viewer, f"{n}", when)
    await log.write()
    whole = (await own(company.viewer, "sessions", limit=200))["rows"]
    cursor: dict[str, Any] = {}
    for offset in range(0, 25, 7):
        by_offset = await own(company.viewer, "sessions", limit=7, offset=offset)
        by_cursor = await own(company.viewer, "sessions", limit=7, **cursor)
        assert by_offset["rows"] == by_cursor["rows"] == whole[offset : offset + 7]
        assert by_offset["next_cursor"] == by_cursor["next_cursor"]
        assert (by_offset["total"], by_offset["offset"]) == (25, offset)
        cursor = {"cursor": by_cursor["next_cursor"]}
    assert cursor == {"cursor": None}


@pytest.mark.parametrize("given_", [{"offset": -1}, {"offset": 100_001}, {"limit": 201}, {"cursor": "x"}])
async def test_what_makes_no_sense_is_422(client: httpx.AsyncClient, company: Company, given_: dict[str, Any]) -> None:
    is_problem(await client.get(ADDRESS, headers=company.viewer.headers, params=given_), 422)


async def test_a_cursor_is_its_owner_s_whole_and_alone(
    client: httpx.AsyncClient, own: Own, log: Logbook, company: Company, other_company: Company
) -> None:
    for person in (company.viewer, company.engineer):
        for _ in range(2):
            log.session(NOON, user_id=person.id)
    await log.write()
    cursor = (await own(company.viewer, "sessions", limit=1))["next_cursor"]
    for person, given_ in (
        (company.engineer, {"cursor": cursor}),
        (other_company.viewer, {"cursor": cursor}),
        (company.viewer, {"cursor": cursor[:-9]}),
        (company.viewer, {"cursor": cursor, "offset": 1}),
    ):
        is_problem(await client.get(ADDRESS, headers=person.headers, params=given_), 422)
    queries = await client.get("/api/v1/me/stats/queries", headers=company.viewer.headers, params={"cursor": cursor})
    is_problem(queries, 422)


async def test_started_at_is_what_decides_the_order(own: Own, log: Logbook, company: Company) -> None:
    """Not when it came in, nor its last message."""
    first = log.messages(NOON, NOON + timedelta(days=3))
    second = log.messages(NOON + MINUTE)
    for row in log.facts.sessions:
        assert row.created_at.tzinfo is UTC
    log.facts.sessions = [row._replace(user_id=company.viewer.id) for row in log.facts.sessions]
    await log.write()
    rows = (await own(company.viewer, "sessions"))["rows"]
    assert [row["session_id"] for row in rows] == [str(second), str(first)]
    assert datetime.fromisoformat(rows[1]["ended_at"]) == NOON + timedelta(days=3)
