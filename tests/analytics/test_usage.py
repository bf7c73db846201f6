"""/usage: each clause of the contract."""

from datetime import date, timedelta

import httpx
import pytest

from app.db.engine import Database
from app.facts import retention
from tests.analytics.conftest import Read
from tests.factories import Logbook, ago, at
from tests.people import Company, Founder

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}


async def test_an_empty_account_shows_31_days_of_zeros(read: Read) -> None:
    report = await read("usage")
    assert len(report["daily_usage"]) == 31
    assert {day["messages"] for day in report["daily_usage"]} == {0}
    assert (report["total_messages"], report["total_tokens"], report["total_sessions"]) == (0, 0, 0)
    assert report["avg_response_time_ms"] is None
    assert report["cost_usd"] == "0.000000"
    assert report["data_as_of"]


async def test_the_days_ascend_one_by_one_and_end_today(read: Read) -> None:
    days = [date.fromisoformat(day["date"]) for day in (await read("usage"))["daily_usage"]]
    assert days == [days[0] + timedelta(days=n) for n in range(31)]
    assert days[-1] == ago().date()


async def test_messages_of_every_role_count(read: Read, log: Logbook) -> None:
    session = log.session(at("2026-05-03"))
    for role in ("user", "assistant", "system", "tool"):
        log.message(session, at("2026-05-03T10:00"), role=role)
    await log.write()
    assert (await read("usage", **MAY))["total_messages"] == 4


async def test_tokens_are_the_four_classes_together(read: Read, log: Logbook) -> None:
    tokens = {"input_tokens": 1, "output_tokens": 10, "cache_read_tokens": 100, "cache_creation_tokens": 1000}
    log.messages(at("2026-05-03"), **tokens)
    await log.write()
    report = await read("usage", **MAY)
    assert report["total_tokens"] == 1111
    assert {name: report[name] for name in tokens} == tokens
    assert report["daily_usage"][2]["tokens"] == 1111
    assert {name: report["daily_usage"][2][name] for name in tokens} == tokens


async def test_both_ends_are_inclusive_to_the_microsecond(read: Read, log: Logbook) -> None:
    for time in ("09:59:59.999999", "10:00", "11:00", "11:00:00.000001"):
        log.messages(at(f"2026-05-03T{time}"))
    await log.write()
    window = {"start_date": "2026-05-03T10:00:00Z", "end_date": "2026-05-03T11:00:00Z"}
    report = await read("usage", **window)
    assert report["total_messages"] == report["total_sessions"] == 2
    assert (report["start_date"], report["end_date"]) == (window["start_date"], window["end_date"])


async def test_a_day_means_all_of_it(read: Read, log: Logbook) -> None:
    for time in ("2026-05-02T23:59:59.999999", "2026-05-03", "2026-05-03T23:59:59.999999", "2026-05-04"):
        log.messages(at(time))
    await log.write()
    report = await read("usage", start_date="2026-05-03", end_date="2026-05-03")
    assert report["total_messages"] == 2
    assert (report["start_date"], report["end_date"]) == ("2026-05-03T00:00:00Z", "2026-05-03T23:59:59.999999Z")
    assert [day["date"] for day in report["daily_usage"]] == ["2026-05-03"]


async def test_the_answer_s_own_window_asks_the_same_again(read: Read, log: Logbook) -> None:
    log.messages(ago(days=30, minutes=-5), ago(days=3), ago())
    await log.write()
    first = await read("usage")
    window = {name: first[name] for name in ("start_date", "end_date", "timezone")}
    assert await read("usage", **window) == first


async def test_what_happened_now_is_in_the_default_window(read: Read, log: Logbook) -> None:
    log.messages(ago(), ago(days=29, hours=23), ago(days=30, hours=1))
    await log.write()
    report = await read("usage")
    assert report["total_messages"] == 2
    assert report["daily_usage"][-1]["messages"] == 1


async def test_sessions_created_are_told_from_sessions_active(read: Read, log: Logbook) -> None:
    session = log.session(at("2026-04-30T23:00"))
    for time in ("2026-05-01T01:00", "2026-05-01T02:00", "2026-05-02T01:00"):
        log.message(session, at(time))
    log.session(at("2026-05-02T05:00"))  # without a message
    await log.write()
    report = await read("usage", **MAY)
    assert report["total_sessions"] == 1
    assert [day["sessions"] for day in report["daily_usage"][:3]] == [1, 1, 0]


async def test_an_average_has_two_decimals_and_only_what_was_timed(read: Read, log: Logbook) -> None:
    session = log.session(at("2026-05-03"))
    for ms in (100, 100, 101, None):
        log.message(session, at("2026-05-03"), given_response_ms=ms)
    await log.write()
    assert (await read("usage", **MAY))["avg_response_time_ms"] == 100.33


async def test_errors_are_counted(read: Read, log: Logbook) -> None:
    session = log.session(at("2026-05-03"))
    for wrong in (True, False, True):
        log.message(session, at("2026-05-03"), is_error=wrong)
    await log.write()
    report = await read("usage", **MAY)
    assert report["error_count"] == report["daily_usage"][2]["error_count"] == 2


async def test_cost_is_exact_and_says_what_has_no_price(read: Read, log: Logbook) -> None:
    session = log.session(at("2026-05-03"))
    log.message(session, at("2026-05-03"), cost_micros=12_340_001, input_tokens=5)
    log.message(session, at("2026-05-03"), cost_micros=None, input_tokens=5)
    log.message(session, at("2026-05-04"), cost_micros=None, input_tokens=5)
    log.message(session, at("2026-05-05"), cost_micros=0)
    await log.write()
    report = await read("usage", **MAY)
    assert (report["cost_usd"], report["unpriced_messages"]) == ("12.340001", 2)
    assert [day["cost_usd"] for day in report["daily_usage"][1:5]] == ["0.000000", "12.340001", None, "0.000000"]


async def test_the_account_s_zone_makes_the_days(founder: Founder, database: Database, read: Read) -> None:
    company = await founder.company(timezone="America/New_York")
    log = Logbook(database, company.id)
    log.messages(at("2026-05-04T03:59"), at("2026-05-04T04:00"))
    await log.write()
    headers = company.engineer.headers
    report = await read("usage", headers=headers, start_date="2026-05-03", end_date="2026-05-04")
    assert report["timezone"] == "America/New_York"
    assert [day["messages"] for day in report["daily_usage"]] == [1, 1]
    utc = await read("usage", headers=headers, start_date="2026-05-03", end_date="2026-05-04", timezone="UTC")
    assert utc["timezone"] == "UTC"
    assert [day["messages"] for day in utc["daily_usage"]] == [0, 2]


async def test_an_instant_without_offset_is_in_the_reporting_zone(read: Read, log: Logbook) -> None:
    log.messages(at("2026-05-03T10:00"))
    await log.write()
    window = {"start_date": "2026-05-03T12:00:00", "end_date": "2026-05-03T12:00:00"}
    assert (await read("usage", timezone="Europe/Berlin", **window))["total_messages"] == 1
    assert (await read("usage", **window))["total_messages"] == 0


async def test_an_unescaped_plus_sign_is_understood(client: httpx.AsyncClient, auth_headers: dict[str, str]) -> None:
    address = "/api/v1/analytics/usage?start_date=2026-05-03T00:00:00+02:00&end_date=2026-05-04"
    answer = await client.get(address, headers=auth_headers)
    assert answer.json()["start_date"] == "2026-05-02T22:00:00Z"


@pytest.mark.parametrize(
    ("given", "sessions", "messages"),
    [
        ({"agent": "planner"}, 1, 2),
        ({"agent": "unknown"}, 2, 2),
        ({"agent": ["planner", "unknown"]}, 2, 4),
        ({"model": "m-1"}, 1, 2),
        ({"model": ["m-1", "m-2"]}, 2, 3),
        ({"agent": "planner", "model": "m-2"}, 1, 1),
        ({"agent": "nobody"}, 0, 0),
    ],
)
async def test_filters(read: Read, log: Logbook, given: dict[str, object], sessions: int, messages: int) -> None:
    one, two = log.session(at("2026-05-03")), log.session(at("2026-05-03"))
    log.message(one, at("2026-05-03T10:00"), agent_name="planner", model_id="m-1")
    log.message(one, at("2026-05-03T11:00"), agent_name="planner", model_id="m-2")
    log.message(one, at("2026-05-04T11:00"), model_id="m-1")
    log.message(two, at("2026-05-03T11:00"), model_id="m-2")
    if given == {"model": ["m-1", "m-2"]}:
        messages += 1
    await log.write()
    report = await read("usage", **MAY, **given)
    assert (report["total_messages"], report["total_sessions"]) == (messages, sessions)
    assert sum(day["messages"] for day in report["daily_usage"]) == messages


async def test_members_can_be_asked_for(read: Read, log: Logbook, company: Company) -> None:
    for person, times in ((company.viewer, 1), (company.admin, 2), (None, 3)):
        session = log.session(at("2026-05-03"), user_id=person.id if person else None)
        for _ in range(times):
            log.message(session, at("2026-05-03T10:00"), model_id="m-1")
    log.session(at("2026-05-03"), user_id=company.viewer.id)  # without a message
    await log.write()
    mine = await read("usage", **MAY, user_id=str(company.viewer.id))
    assert (mine["total_messages"], mine["total_sessions"], mine["daily_usage"][2]["sessions"]) == (1, 2, 1)
    both = await read("usage", **MAY, user_id=[str(company.viewer.id), str(company.admin.id)], model="m-1")
    assert (both["total_messages"], both["total_sessions"]) == (3, 2)


async def test_compare_with_the_days_before(read: Read, log: Logbook) -> None:
    log.messages(at("2026-05-07T23:59"), at("2026-05-08"), at("2026-05-14T23:59"), at("2026-05-15"), input_tokens=7)
    await log.write()
    report = await read("usage", start_date="2026-05-15", end_date="2026-05-21", compare="previous")
    previous = report["previous"]
    assert (report["total_messages"], previous["total_messages"], previous["total_tokens"]) == (1, 2, 14)
    assert (previous["start_date"], previous["end_date"]) == ("2026-05-08T00:00:00Z", "2026-05-14T23:59:59.999999Z")
    totals = report.keys() - {"daily_usage", "previous", "data_as_of", "facts_from"}
    assert previous.keys() == totals


async def test_the_window_before_has_as_many_days_when_clocks_change(read: Read) -> None:
    week = {"start_date": "2026-03-29", "end_date": "2026-04-04", "timezone": "Europe/London"}
    previous = (await read("usage", **week, compare="previous"))["previous"]
    assert (previous["start_date"], previous["end_date"]) == ("2026-03-22T00:00:00Z", "2026-03-28T23:59:59.999999Z")
    hour = {"start_date": "2026-05-03T10:00:00Z", "end_date": "2026-05-03T10:59:59.999999Z"}
    previous = (await read("usage", **hour, compare="previous"))["previous"]
    assert (previous["start_date"], previous["end_date"]) == ("2026-05-03T09:00:00Z", "2026-05-03T09:59:59.999999Z")


async def test_without_compare_there_is_no_previous(read: Read) -> None:
    assert "previous" not in await read("usage")


async def test_days_of_another_zone_stay_exact_when_their_messages_are_gone(
    client: httpx.AsyncClient, database: Database, company: Company, log: Logbook, read: Read
) -> None:
    for n in range(60):
        log.messages(*(ago(days=30, hours=-5 * n - m / 2) for m in range(4)), input_tokens=n)
    await log.write()
    away = {
        "timezone": "America/New_York",
        "start_date": str(ago(days=25).date()),
        "end_date": str(ago(days=20).date()),
    }
    before = await read("usage", **away)
    answer = await client.patch("/api/v1/account", json={"retention_days": 10}, headers=company.admin.headers)
    assert answer.status_code == 200, answer.text
    gone = [cleared async for cleared in retention.apply(database, company.id)]
    assert sum(cleared.rows for cleared in gone if cleared.table == "messages") > 100
    after = await read("usage", **away)
    assert after["daily_usage"] == before["daily_usage"]
    assert after["total_messages"] == before["total_messages"] > 50


async def test_a_session_is_active_on_the_days_it_has_messages_on_though_an_hour_lies_in_both(
    client: httpx.AsyncClient, database: Database, founder: Founder
) -> None:
    """Midnight of Kathmandu is a quarter past six in the evening."""
    company = await founder.company(timezone="UTC")
    log = Logbook(database, company.id)
    log.messages(at("2026-05-02T18:05"))
    log.messages(at("2026-05-02T18:20"))
    log.messages(at("2026-05-02T18:14"), at("2026-05-02T18:16"))
    await log.write()
    asked = {"start_date": "2026-05-02", "end_date": "2026-05-03", "timezone": "Asia/Kathmandu"}
    answer = await client.get("/api/v1/analytics/usage", headers=company.engineer.headers, params=asked)
    assert [(day["messages"], day["sessions"]) for day in answer.json()["daily_usage"]] == [(2, 2), (2, 2)]
