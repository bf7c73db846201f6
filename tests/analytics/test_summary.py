"""/summary: the last 30 days, sessions of the last 7."""

from datetime import timedelta

import pytest

from app.analytics.parameters import WindowQuery
from app.analytics.summary import LATELY, summary
from app.analytics.window import Window
from app.db.engine import Database
from tests.analytics.conftest import Read
from tests.factories import Logbook, ago, at, stub
from tests.people import Founder


async def test_the_last_30_days_and_nothing_older(read: Read, log: Logbook) -> None:
    session = log.session(ago(days=40))
    numbers = {"input_tokens": 3, "output_tokens": 4, "given_response_ms": 10, "cost_micros": 5}
    log.message(session, ago(days=30, minutes=5), **numbers)
    log.message(session, ago(days=29, hours=23), is_error=True, **numbers)
    log.message(session, ago(minutes=1), role="user")
    await log.write()
    summary = await read("summary")
    assert (summary["total_messages"], summary["total_tokens"]) == (2, 7)
    assert (summary["avg_response_time_ms"], summary["cost_usd"], summary["error_rate"]) == (10.0, "0.000005", 50.0)


async def test_it_says_what_usage_says(read: Read, log: Logbook) -> None:
    log.messages(ago(days=30, minutes=-2), ago(days=12), ago(), given_response_ms=7, cost_micros=9, input_tokens=1)
    await log.write()
    summary, usage = await read("summary"), await read("usage")
    shared = ("total_messages", "total_tokens", "avg_response_time_ms", "cost_usd")
    assert {name: summary[name] for name in shared} == {name: usage[name] for name in shared}


async def test_active_are_sessions_updated_in_the_last_7_days(read: Read, log: Logbook) -> None:
    log.session(ago(days=20), updated_at=ago(days=6, hours=23))
    log.session(ago(days=20), updated_at=ago(days=7, minutes=5))
    log.session(ago())
    await log.write()
    assert (await read("summary"))["active_sessions"] == 2


async def test_a_session_that_goes_on_is_active_once_and_on_its_last_day(read: Read, log: Logbook) -> None:
    session = log.session(ago(days=20), updated_at=ago(days=9))
    await log.write()
    assert (await read("summary"))["active_sessions"] == 0
    for days in (5, 3, 4):
        log.facts.sessions.append(stub(session)._replace(updated_at=ago(days=days)))
        await log.write()
        assert (await read("summary"))["active_sessions"] == 1


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("time", ["2026-03-14T04:59", "2026-03-08T09:00", "2026-11-05T18:16", "2026-05-01T23:58"])
async def test_the_seven_days_are_to_the_minute_and_have_no_end(
    founder: Founder, database: Database, zone: str, time: str
) -> None:
    company = await founder.company(timezone=zone)
    window, log = Window.of(WindowQuery(), zone, at(time)), Logbook(database, company.id)
    for seconds in (-40_000, -1, 0, 1, 40_000):
        log.session(at("2026-01-01"), updated_at=window.stop - LATELY + timedelta(seconds=seconds))
    log.session(at("2026-01-01"), updated_at=at(time) + timedelta(minutes=5))
    await log.write()
    async with database.transaction(company.id, read_only=True) as tx:
        assert (await summary(tx, window))["active_sessions"] == 4


async def test_an_empty_account_has_no_average_and_no_cost(read: Read) -> None:
    summary = await read("summary")
    assert (summary["total_messages"], summary["active_sessions"], summary["error_rate"]) == (0, 0, 0.0)
    assert (summary["avg_response_time_ms"], summary["cost_usd"]) == (None, "0.000000")
