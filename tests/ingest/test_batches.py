"""POST /api/v1/ingest/batches: what comes in, what is refused, and what the answer says of it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.people import Company, Person

URL = "/api/v1/ingest/batches"
NOW = datetime.now(UTC).replace(microsecond=0)


def message(number: int = 1, session: str = "s1", **more: Any) -> dict[str, Any]:
    at = NOW - timedelta(hours=1) + timedelta(seconds=number)
    return {"session_id": session, "id": f"m{number}", "role": "user", "created_at": at.isoformat(), **more}


async def send(client: AsyncClient, person: Person, **batch: Any) -> Response:
    return await client.post(URL, json=batch, headers=person.headers)


def counts(answer: Response) -> tuple[int, int, int, int]:
    body = answer.json()
    return body["received"], body["stored"], body["unchanged"], body["rejected"]


async def test_rows_are_stored_once_however_often_they_come(client: AsyncClient, company: Company) -> None:
    batch = {"sessions": [{"id": "s1", "created_at": NOW.isoformat()}], "messages": [message(1), message(2)]}
    first = await send(client, company.viewer, **batch)
    assert (first.status_code, counts(first)) == (200, (3, 3, 0, 0)), first.text
    again = await send(client, company.viewer, **batch)
    assert (again.status_code, counts(again)) == (200, (3, 0, 3, 0))


async def test_tokens_are_those_of_the_best_ranked_report_whole(client: AsyncClient, company: Company) -> None:
    copy = message(1, input_tokens=900, output_tokens=9, usage_rank=2)
    own = message(1, input_tokens=3, output_tokens=700, usage_rank=0)
    for sent in (copy, own, copy):
        assert (await send(client, company.viewer, messages=[sent])).status_code == 200
    usage = (await client.get("/api/v1/analytics/usage", headers=company.engineer.headers)).json()
    assert (usage["input_tokens"], usage["output_tokens"]) == (3, 700)


async def test_times_are_kept_in_whole_milliseconds_and_a_kind_of_error_makes_an_error(
    client: AsyncClient, company: Company
) -> None:
    """As docs/integrate.md says: a half goes to the even one."""
    rows = [message(1, response_time_ms=2.5), message(2, response_time_ms=3.5, error_kind="overloaded")]
    calls = [{"session_id": "s1", "id": f"c{n}", "name": "grep", "duration_ms": n + 0.5} for n in (2, 3)]
    assert (await send(client, company.viewer, messages=rows, tool_calls=calls)).status_code == 200
    usage, tools = [
        (await client.get(f"/api/v1/analytics/{report}", headers=company.engineer.headers)).json()
        for report in ("usage", "tools")
    ]
    assert (usage["avg_response_time_ms"], usage["error_count"]) == (3.0, 1)  # 2 and 4
    assert tools["tools"][0]["avg_duration_ms"] == 3.0


async def test_more_for_an_hour_than_was_cached_at_all_is_refused(client: AsyncClient, company: Company) -> None:
    answer = await send(client, company.viewer, messages=[message(cache_creation_tokens=1, cache_creation_1h_tokens=2)])
    assert answer.json()["errors"][0]["detail"] == (
        "cache_creation_1h_tokens: is a part of cache_creation_tokens, so it cannot be more."
    )


@pytest.mark.parametrize(
    ("rule", "shown"), [("full_path", "/home/ann/tally"), ("basename_only", "tally"), ("hashed", None)]
)
async def test_a_workspace_is_named_as_the_account_chose(
    client: AsyncClient, company: Company, rule: str, shown: str | None
) -> None:
    await client.patch("/api/v1/account", json={"workspace_labels": rule}, headers=company.admin.headers)
    session = {"id": "s1", "created_at": NOW.isoformat(), "workspace": "/home/ann/tally"}
    await send(client, company.viewer, sessions=[session])
    rows = (await client.get("/api/v1/analytics/sessions", headers=company.engineer.headers)).json()["rows"]
    named = rows[0]["workspace"]
    if shown is None:
        assert re.fullmatch("[0-9a-f]{16}", named)
        # What a producer has hashed already stays as it is.
        await send(client, company.viewer, sessions=[session | {"id": "s2", "workspace": named}])
        rows = (await client.get("/api/v1/analytics/sessions", headers=company.engineer.headers)).json()["rows"]
        assert {row["workspace"] for row in rows} == {named}
    else:
        assert named == shown


async def test_a_row_twice_in_one_batch_is_stored_once(client: AsyncClient, company: Company) -> None:
    answer = await send(client, company.viewer, messages=[message(1), message(1), message(2)])
    assert counts(answer) == (3, 2, 1, 0)


async def test_bad_rows_are_named_and_keep_no_good_row_out(client: AsyncClient, company: Company) -> None:
    bad = [
        message(2, text="hello"),
        message(3, colour="red"),
        message(4, input_tokens=-1),
        message(5, id="x" * 201),
        message(6, created_at="2026-01-01T00:00:00"),
        message(7, created_at=(NOW + timedelta(hours=1)).isoformat()),
        "nonsense",
    ]
    answer = await send(client, company.viewer, messages=[message(1), *bad])
    assert answer.status_code == 207
    assert counts(answer) == (8, 1, 0, 7)
    assert [(e["index"], e["code"]) for e in answer.json()["errors"]] == [
        (1, "content"),
        (2, "unknown_field"),
        (3, "invalid"),
        (4, "invalid"),
        (5, "invalid"),
        (6, "future"),
        (7, "invalid"),
    ]


async def test_an_admin_brings_in_sessions_of_any_member_a_viewer_only_their_own(
    client: AsyncClient, company: Company
) -> None:
    def session(name: str) -> dict[str, Any]:
        return {"id": name, "created_at": NOW.isoformat(), "user_email": company.engineer.email}

    answer = await send(client, company.admin, sessions=[session("s1")])
    assert counts(answer) == (1, 1, 0, 0)
    answer = await send(client, company.viewer, sessions=[session("s2")], messages=[message(1, "s1")])
    assert [e["code"] for e in answer.json()["errors"]] == ["not_yours", "not_yours"]


async def test_a_member_nobody_knows_is_a_reason(client: AsyncClient, company: Company) -> None:
    rows = [{"id": "s1", "created_at": NOW.isoformat(), "user_email": "nobody@example.com"}]
    answer = await send(client, company.admin, sessions=rows)
    assert [e["code"] for e in answer.json()["errors"]] == ["unknown_member"]
