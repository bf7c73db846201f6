"""/flowpilot/escalations: from rows as another program writes them, straight into the tables."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.ai_session import AISession
from app.models.ai_session_step import AISessionStep
from app.models.session_handoff import SessionHandoff
from tests.analytics.conftest import Read
from tests.factories import ago
from tests.people import Company
from tests.problem import is_problem

REPORT = "flowpilot/escalations"
Escalate = Callable[..., Awaitable[AISession]]


@pytest.fixture
def escalate(test_db: AsyncSession) -> Escalate:
    """A session with one handoff and steps so many seconds after it was claimed."""

    async def escalate(
        *seconds: float, claimed_at: datetime | None = None, waited: float = 0, **columns: str
    ) -> AISession:
        session = AISession()
        test_db.add(session)
        await test_db.flush()
        handoff = SessionHandoff(session_id=session.id, claimed_at=claimed_at, **columns)
        if claimed_at:
            handoff.created_at = claimed_at - timedelta(seconds=waited)
        test_db.add(handoff)
        base = claimed_at or ago(hours=1)
        test_db.add_all(AISessionStep(session_id=session.id, created_at=base + timedelta(seconds=s)) for s in seconds)
        await test_db.commit()
        return session

    return escalate


async def test_30_60_and_180_seconds(read: Read, escalate: Escalate) -> None:
    for seconds in (30, 60, 180):
        await escalate(seconds, seconds + 1000, claimed_at=ago(days=1))
    report = await read(REPORT)
    assert (report["period"], report["n_handoffs_claimed"], report["n_handoffs_with_action"]) == ("30d", 3, 3)
    assert report["avg_seconds_to_first_action"] == 90.0
    assert report["median_seconds_to_first_action"] == 60.0
    assert report["p95_seconds_to_first_action"] == 180.0


async def test_an_account_without_handoffs_has_no_times(read: Read) -> None:
    report = await read(REPORT)
    numbers = ("n_handoffs_claimed", "n_handoffs_with_action", "n_handoffs_total", "n_unclaimed")
    assert [report[name] for name in numbers] == [0, 0, 0, 0]
    for name in ("avg_seconds_to_first_action", "median_seconds_to_first_action", "p95_seconds_to_first_action"):
        assert report[name] is None
    assert report["median_seconds_to_claim"] is report["p95_seconds_to_claim"] is None
    assert (report["by_intent"], report["by_priority"]) == ([], [])


async def test_only_the_first_step_after_the_claim_counts(read: Read, escalate: Escalate) -> None:
    await escalate(-500, 0, 40, 41, claimed_at=ago(days=1))
    report = await read(REPORT)
    assert (report["n_handoffs_with_action"], report["avg_seconds_to_first_action"]) == (1, 40.0)


async def test_claimed_without_a_later_step_counts_only_as_claimed(read: Read, escalate: Escalate) -> None:
    await escalate(-5, claimed_at=ago(days=1))
    await escalate(20, claimed_at=ago(days=1))
    report = await read(REPORT)
    assert (report["n_handoffs_claimed"], report["n_handoffs_with_action"]) == (2, 1)
    assert report["median_seconds_to_first_action"] == 20.0


async def test_a_step_of_another_session_is_no_action(read: Read, escalate: Escalate) -> None:
    await escalate(claimed_at=ago(days=1))
    await escalate(7)  # never claimed
    report = await read(REPORT)
    assert (report["n_handoffs_claimed"], report["n_handoffs_with_action"], report["n_unclaimed"]) == (1, 0, 1)


async def test_two_handoffs_of_one_session_each_have_their_own_first_step(
    read: Read, escalate: Escalate, test_db: AsyncSession
) -> None:
    claimed = ago(days=2)
    session = await escalate(10, 110, claimed_at=claimed)
    test_db.add(SessionHandoff(session_id=session.id, claimed_at=claimed + timedelta(seconds=50)))
    await test_db.commit()
    report = await read(REPORT)
    assert (report["n_handoffs_with_action"], report["avg_seconds_to_first_action"]) == (2, 35.0)


@pytest.mark.parametrize(("period", "found", "days"), [("7d", 1, 8), ("30d", 2, 31), ("90d", 3, 91)])
async def test_the_period_is_that_of_the_claim(
    read: Read, escalate: Escalate, period: str, found: int, days: int
) -> None:
    for back in (6.9, 7.1, 31, 91):
        await escalate(5, claimed_at=ago(days=back), waited=86_400 * 100)
    report = await read(REPORT, period=period)
    assert (report["n_handoffs_claimed"], len(report["daily"])) == (found, days)
    assert sum(day["n_handoffs_claimed"] for day in report["daily"]) == found


@pytest.mark.parametrize("period", ["1d", "30", "", "365d"])
async def test_another_period_is_422(client: httpx.AsyncClient, auth_headers: dict[str, str], period: str) -> None:
    answer = await client.get(f"/api/v1/analytics/{REPORT}", headers=auth_headers, params={"period": period})
    is_problem(answer, 422)


async def test_the_three_populations(read: Read, escalate: Escalate) -> None:
    """Handed over in the period, still unclaimed of these, claimed in the period whenever handed over."""
    await escalate()
    await escalate(claimed_at=ago(days=1), waited=60)
    await escalate(claimed_at=ago(days=1), waited=86_400 * 60)
    report = await read(REPORT)
    assert (report["n_handoffs_total"], report["n_unclaimed"], report["n_handoffs_claimed"]) == (2, 1, 2)
    assert (report["median_seconds_to_claim"], report["p95_seconds_to_claim"]) == (2_592_030.0, 5_184_000.0)


async def test_a_claim_before_its_handoff_took_no_time(read: Read, escalate: Escalate) -> None:
    await escalate(claimed_at=ago(days=1), waited=-30)
    assert (await read(REPORT))["median_seconds_to_claim"] == 0.0


async def test_by_intent_and_by_priority(read: Read, escalate: Escalate) -> None:
    await escalate(10, claimed_at=ago(days=1), intent="refund", priority="high")
    await escalate(20, claimed_at=ago(days=1), intent="refund")
    await escalate(claimed_at=ago(days=1), priority="high")
    report = await read(REPORT)
    shown = [
        (line["intent"], line["n_handoffs_claimed"], line["n_handoffs_with_action"]) for line in report["by_intent"]
    ]
    assert shown == [("refund", 2, 2), ("unknown", 1, 0)]
    assert [line["priority"] for line in report["by_priority"]] == ["high", "unknown"]
    assert report["by_intent"][0]["avg_seconds_to_first_action"] == 15.0


async def test_each_day_by_itself(read: Read, escalate: Escalate) -> None:
    claimed = ago(days=3)
    await escalate(10, claimed_at=claimed, waited=86_400 * 2)
    days = {day["date"]: day for day in (await read(REPORT))["daily"]}
    day, before = days[str(claimed.date())], days[str((claimed - timedelta(days=2)).date())]
    assert (day["n_handoffs_claimed"], day["median_seconds_to_first_action"], day["n_handoffs_total"]) == (1, 10.0, 0)
    assert (before["n_handoffs_total"], before["n_handoffs_claimed"]) == (1, 0)


async def test_the_definition_names_the_manual_baseline(read: Read) -> None:
    definition = (await read(REPORT))["metric_definition"]
    assert "manual baseline" in definition
    assert "first step of the same session" in definition


async def test_a_row_written_straight_in_changes_the_tag(
    client: httpx.AsyncClient, auth_headers: dict[str, str], escalate: Escalate
) -> None:
    """Other programs do not touch the account's version."""
    address = f"/api/v1/analytics/{REPORT}"
    first = await client.get(address, headers=auth_headers)
    await escalate(5, claimed_at=ago(minutes=5))
    again = await client.get(address, headers={**auth_headers, "If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.json()["n_handoffs_claimed"] == 1


async def test_another_account_s_handoffs_are_nobody_s_business(
    read: Read, escalate: Escalate, other_company: Company
) -> None:
    await escalate(5, claimed_at=ago(days=1))
    assert (await read(REPORT, headers=other_company.engineer.headers))["n_handoffs_total"] == 0


async def test_the_distribution_holds_every_first_action_once(read: Read, escalate: Escalate) -> None:
    for seconds in (86_400, 29, 500_000, 60, 30, 86_399, 59):
        await escalate(seconds, claimed_at=ago(days=7))
    await escalate(claimed_at=ago(days=7))
    bins = (await read(REPORT))["distribution"]
    assert [found["n_handoffs"] for found in bins] == [1, 2, 1, 0, 0, 0, 0, 1, 2]
    assert (bins[0]["from_seconds"], bins[-1]["below_seconds"]) == (0, None)
    assert [found["below_seconds"] for found in bins[:-1]] == [found["from_seconds"] for found in bins[1:]]
    assert sum(found["n_handoffs"] for found in bins) == (await read(REPORT))["n_handoffs_with_action"]
