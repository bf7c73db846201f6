"""/tools: each clause of the contract."""

import httpx
import pytest

from tests.analytics.conftest import Read
from tests.factories import Logbook, at
from tests.people import Company
from tests.problem import is_problem

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
NOON = at("2026-05-03T12:00")


async def test_calls_errors_and_durations_by_tool(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    for name, ms, wrong in (("grep", 10, False), ("grep", 1000, True), ("grep", None, False), (None, None, False)):
        log.call(session, NOON, name=name, given_duration_ms=ms, is_error=wrong)
    await log.write()
    report = await read("tools", **MAY)
    assert report["total_calls"] == 4
    grep, unknown = report["tools"]
    assert (grep["name"], grep["call_count"], grep["error_count"], grep["error_rate"]) == ("grep", 3, 1, 33.33)
    assert grep["avg_duration_ms"] == 505.0
    assert (grep["p50_duration_ms"], grep["p99_duration_ms"]) == (
        pytest.approx(10, rel=0.01),
        pytest.approx(1000, rel=0.01),
    )
    assert (unknown["name"], unknown["avg_duration_ms"], unknown["p95_duration_ms"]) == ("unknown", None, None)


async def test_a_call_counts_when_it_started_to_the_microsecond(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    for time in ("2026-05-02T23:59:59.999999", "2026-05-03", "2026-05-03T23:59:59.999999", "2026-05-04"):
        log.call(session, at(time), name="grep")
    await log.write()
    for zone in ("UTC", "Etc/UCT"):  # by rollups, by facts
        report = await read("tools", start_date="2026-05-03", end_date="2026-05-03", timezone=zone)
        assert report["total_calls"] == 2


async def test_members_can_be_asked_for_and_compared(read: Read, log: Logbook, company: Company) -> None:
    mine, theirs = log.session(NOON, user_id=company.viewer.id), log.session(NOON)
    for session in (mine, theirs):
        log.call(session, at("2026-05-02T12:00"), name="grep")
        log.call(session, NOON, name="grep", given_duration_ms=5)
    await log.write()
    window = {"start_date": "2026-05-03", "end_date": "2026-05-03", "user_id": str(company.viewer.id)}
    report = await read("tools", **window, compare="previous")
    assert (report["total_calls"], report["previous"]["total_calls"]) == (1, 1)


@pytest.mark.parametrize("parameter", ["agent", "model"])
async def test_a_filter_that_calls_cannot_answer_is_refused(
    client: httpx.AsyncClient, auth_headers: dict[str, str], parameter: str
) -> None:
    answer = await client.get("/api/v1/analytics/tools", headers=auth_headers, params={parameter: "x"})
    assert "there is no such parameter" in is_problem(answer, 422)["detail"]
