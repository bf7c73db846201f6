"""Windows: what is refused, and days that are neither lost nor counted twice when clocks change."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.counts import count
from app.analytics.cut import Cut, Piece, by_days, by_hours, by_window, uncut
from app.analytics.parameters import WindowQuery
from app.analytics.sources import EVERYTHING, Filters
from app.analytics.usage import usage
from app.analytics.window import Window, begin
from app.db.engine import Database
from tests.analytics.conftest import Read
from tests.factories import Logbook, at
from tests.people import Company, Founder
from tests.problem import is_problem

REPORTS = ("usage", "agents", "models", "tools", "users", "sessions")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"start_date": "2026-05-02", "end_date": "2026-05-01"}, "query.start_date: must not be after end_date."),
        ({"start_date": "2026-05-01T10:00:00Z", "end_date": "2026-05-01T09:59:59Z"}, "must not be after end_date"),
        ({"start_date": "2100-01-01"}, "must not be after end_date"),
        ({"start_date": "2025-01-01", "end_date": "2026-02-05"}, "at most 400 local days"),
        ({"start_date": "2025-01-01T12:00:00Z", "end_date": "2026-02-05T11:00:00Z"}, "at most 400 local days"),
        ({"start_date": "2025-01-01"}, "at most 400 local days"),
        (
            {"start_date": "2011-12-30", "end_date": "2011-12-30", "timezone": "Pacific/Apia"},
            "there is no 2011-12-30 in Pacific/Apia",
        ),
        ({"start_date": "2026-05-03T08:00:00+0"}, "must be a day"),
        ({"start_date": "2026-05-03 08:00:00 02:00 02:00"}, "must be a day"),
        ({"timezone": "Europe/Atlantis"}, "IANA time zone"),
        ({"timezone": "localtime"}, "IANA time zone"),
        ({"timezone": "../../etc/passwd"}, "IANA time zone"),
        ({"start_date": "yesterday"}, "must be a day such as 2026-05-03"),
        ({"start_date": "2026-02-30"}, "must be a day"),
        ({"start_date": "1777777777"}, "must be a day"),
        ({"start_date": "20260503"}, "must be a day"),
        ({"start_date": "٢٠٢٦-٠٥-٠٣"}, "must be a day"),
        ({"start_date": "0001-01-01"}, "1970 to 2199"),
        ({"end_date": "9999-12-31T23:59:59-23:59"}, "1970 to 2199"),
        ({"start_date": ""}, "must be a day"),
        ({"compare": "next"}, "previous"),
        ({"user_id": "me"}, "user_id"),
        ({"agent": ["a"] * 101}, "at most 100"),
        ({"agent": "a\0"}, "NUL"),
        ({"zone": "UTC"}, "there is no such parameter"),
    ],
)
async def test_what_makes_no_window_is_422(
    client: httpx.AsyncClient, auth_headers: dict[str, str], given: dict[str, str], said: str
) -> None:
    answer = await client.get("/api/v1/analytics/usage", headers=auth_headers, params=given)
    assert said in is_problem(answer, 422)["detail"]


@pytest.mark.parametrize("report", REPORTS)
async def test_every_report_refuses_a_window_in_the_wrong_order(
    client: httpx.AsyncClient, auth_headers: dict[str, str], report: str
) -> None:
    wrong = {"start_date": "2026-05-02", "end_date": "2026-05-01"}
    answer = await client.get(f"/api/v1/analytics/{report}", headers=auth_headers, params=wrong)
    assert "start_date" in is_problem(answer, 422)["detail"]


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("2025-01-01", "2026-02-04", "UTC"),
        ("2025-01-01T23:00:00Z", "2026-02-04T00:30:00Z", "UTC"),
        ("2011-01-01", "2012-02-05", "Pacific/Apia"),  # one of its 401 dates was skipped
    ],
)
async def test_400_listed_days_are_not_too_many(read: Read, start: str, end: str, zone: str) -> None:
    report = await read("usage", start_date=start, end_date=end, timezone=zone)
    assert len(report["daily_usage"]) == 400


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("2026-05-03T08:00:00.1234567Z", "2026-05-03T08:00:00.123456Z"),  # more precise than a microsecond is cut
        ("2026-05-03T08:00:00.9999999z", "2026-05-03T08:00:00.999999Z"),
        ("2026-05-03T08:00:00.123456789+02:00", "2026-05-03T06:00:00.123456Z"),
        ("2026-05-03T08:00:00,5Z", "2026-05-03T08:00:00.500000Z"),
        ("2026-05-03t08:00:00z", "2026-05-03T08:00:00Z"),
        ("2026-05-03T08:00:00+0000", "2026-05-03T08:00:00Z"),
        ("2026-05-03T08:00:00-0730", "2026-05-03T15:30:00Z"),
        ("2026-05-03 08:00Z", "2026-05-03T08:00:00Z"),
    ],
)
async def test_reports_take_the_instants_that_come_in(
    client: httpx.AsyncClient, company: Company, read: Read, spelled: str, meant: str
) -> None:
    rows = {"sessions": [{"id": "s", "created_at": spelled}]}
    sent = await client.post("/api/v1/ingest/batches", json=rows, headers=company.admin.headers)
    assert sent.status_code == 200, sent.text
    report = await read("usage", start_date=spelled, end_date=spelled)
    assert (report["start_date"], report["end_date"], report["total_sessions"]) == (meant, meant, 1)


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("2026-05-03T08:00:00 02:00", "2026-05-03T06:00:00"),  # a plus sign that nobody escaped
        ("2026-05-03T08:00:00.25 0200", "2026-05-03T06:00:00.250000"),
        ("2026-05-03 08:00 02:00", "2026-05-03T06:00:00"),
        ("2026-05-03 08:00", "2026-05-03T02:15:00"),  # without offset: of the reporting zone
        ("2026-05-03", "2026-05-02T18:15:00"),
    ],
)
def test_what_reports_alone_take(spelled: str, meant: str) -> None:
    window = ask("Asia/Kathmandu", start_date=spelled)
    assert window.start == at(meant)


def ask(zone: str = "UTC", now: str = "2026-05-15T12:00:30", home: str = "UTC", **given: str) -> Window:
    return Window.of(WindowQuery.model_validate({"timezone": zone, **given}), home, at(now))


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "Europe/London", "Pacific/Kiritimati"]
)
def test_the_default_window_has_31_days_at_any_moment_of_the_year(zone: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    while now < datetime(2027, 1, 1, tzinfo=UTC):
        window = Window.of(WindowQuery(timezone=zone), zone, now)
        assert len(window.days) == 31
        assert window.days[-1] == now.astimezone(ZoneInfo(zone)).date()
        assert window.start < now < window.stop
        now += timedelta(hours=7, minutes=29, seconds=59)


def test_the_default_end_is_the_end_of_the_running_minute() -> None:
    assert ask().end == at("2026-05-15T12:00:59.999999")
    assert ask().start == at("2026-04-15T12:00:00")
    assert ask(now="2026-05-15T23:59:59.999999").days[-1] == date(2026, 5, 15)


def test_an_end_that_is_a_day_has_30_days_before_it() -> None:
    window = ask(end_date="2026-05-31")
    assert (window.start, window.end) == (at("2026-05-01"), at("2026-05-31T23:59:59.999999"))


def test_an_end_that_is_an_instant_begins_at_the_same_time_of_the_clock() -> None:
    window = ask("Europe/London", end_date="2026-04-10T09:00:00+01:00")
    assert window.start == at("2026-03-11T09:00:00")


@pytest.mark.parametrize("now", ["2011-12-31T09:00", "2011-12-30T09:30"])
def test_a_day_that_a_zone_skipped_is_none(now: str) -> None:
    days = ask("Pacific/Apia", now=now).days
    assert date(2011, 12, 30) not in days
    assert date(2011, 12, 29) in days


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2011-12-31", "2011-12-31", ["2011-12-29"]),
        ("2011-12-30", "2011-12-31", ["2011-12-29"]),
        ("2011-12-29", "2011-12-31", ["2011-12-27", "2011-12-28"]),
        ("2011-12-31", "2012-01-02", ["2011-12-27", "2011-12-28", "2011-12-29"]),
        ("2012-01-01", "2012-01-02", ["2011-12-29", "2011-12-31"]),
    ],
)
def test_the_window_before_has_as_many_days_that_were(start: str, end: str, days: list[str]) -> None:
    window = ask("Pacific/Apia", start_date=start, end_date=end)
    assert [str(day) for day in window.previous.days] == days
    assert window.previous.stop == window.start


CHANGES = {
    "Asia/Kathmandu": "2026-03-29",
    "Australia/Lord_Howe": "2026-04-05",
    "Australia/Lord_Howe ": "2026-10-04",
    "America/New_York": "2026-03-08",
    "America/New_York ": "2026-11-01",
    "Europe/London": "2026-03-29",
    "Europe/London ": "2026-10-25",
    "Pacific/Apia": "2011-12-29",
    "Africa/Cairo": "2026-04-24",  # the clock jumps at midnight: the day begins at one
    "America/Havana": "2026-11-01",  # and here midnight comes twice
}


@pytest.mark.parametrize(("zone", "day"), CHANGES.items())
@pytest.mark.parametrize("path", ["rollups", "facts"])
async def test_days_add_up_around_a_change_of_clocks(
    founder: Founder, database: Database, zone: str, day: str, path: str
) -> None:
    """A message every half hour for five days: each in the one day that its zone's wall clock says."""
    zone, local, at_home = zone.strip(), ZoneInfo(zone.strip()), path == "rollups"
    first = date.fromisoformat(day) - timedelta(days=2)
    company = await founder.company(timezone=zone if at_home else "UTC")
    log = Logbook(database, company.id)
    begin = datetime.combine(first, datetime.min.time(), local).astimezone(UTC) - timedelta(hours=30)
    times = [begin + n * timedelta(minutes=30) for n in range(48 * 8)]
    log.messages(*times)
    await log.write()
    end = first + timedelta(days=5)
    window = ask(zone, start_date=str(first), end_date=str(end), home=zone if at_home else "UTC")
    assert bool(by_hours(window).hours) != at_home
    async with database.transaction(company.id) as tx:
        await tx.driver.execute("SET LOCAL TimeZone = 'Pacific/Kiritimati'")
        report = await usage(tx, window, Filters({}), compare=False)
    expected = {first + timedelta(days=n): 0 for n in range(6)}
    for time in times:
        if (on := time.astimezone(local).date()) in expected:
            expected[on] += 1
    expected = {on: n for on, n in expected.items() if n}  # a skipped day has no half hours
    assert {line["date"]: line["messages"] for line in report["daily_usage"]} == expected
    assert report["total_messages"] == sum(expected.values())


async def test_today_is_in_wherever_today_is(database: Database, founder: Founder) -> None:
    """Just after midnight in the account's zone, when UTC still has yesterday."""
    company = await founder.company(timezone="Pacific/Kiritimati")
    log = Logbook(database, company.id)
    now = at("2026-05-03T10:00:20")  # 00:00:20 on the 4th there
    log.messages(now)
    await log.write()
    with time_machine.travel(now, tick=False):
        window = Window.of(WindowQuery(), "Pacific/Kiritimati", datetime.now(UTC))
    async with database.transaction(company.id, read_only=True) as tx:
        days = await count(tx, window, Filters({}), "day")
    assert {day: sums.messages for day, sums in days.items()} == {date(2026, 5, 4): 1}


async def test_a_foreign_zone_with_the_same_days_gives_the_same_answer(
    database: Database, company: Company, log: Logbook
) -> None:
    log.messages(*(at("2026-05-01") + n * timedelta(hours=5) for n in range(50)), given_response_ms=7, input_tokens=3)
    await log.write()
    window = ask(start_date="2026-05-01", end_date="2026-05-09T13:00:00Z")
    async with database.transaction(company.id, read_only=True) as tx:
        home = await usage(tx, window, Filters({}), compare=True)
        away = await usage(tx, replace(window, home=None), Filters({}), compare=True)
    assert home == away


def test_totals_of_a_foreign_zone_come_from_the_account_s_own_days() -> None:
    cut = by_window(ask("Asia/Kathmandu", start_date="2026-05-01", end_date="2026-05-10"))
    assert cut.whole == (date(2026, 5, 1), date(2026, 5, 10))
    assert [(piece.low, piece.high, sign) for piece, sign in cut.signed] == [
        (at("2026-04-30T18:15"), at("2026-05-01"), +1),
        (at("2026-05-10T18:15"), at("2026-05-11"), -1),  # less than counting the rest of that day
    ]


def test_of_a_day_that_is_parted_only_the_smaller_part_is_counted() -> None:
    cut = by_days(ask("Asia/Kathmandu", start_date="2026-05-02", end_date="2026-05-02"))
    assert cut.rest == {date(2026, 5, 2): date(2026, 5, 2)}
    assert list(cut.pieces) == [
        Piece(at("2026-05-01T18:15"), at("2026-05-02"), date(2026, 5, 2), None),
        Piece(at("2026-05-02T18:15"), at("2026-05-03"), None, date(2026, 5, 2)),
    ]


def test_an_end_that_is_now_costs_nothing() -> None:
    """Of today, only what is still to come is taken away."""
    cut = by_days(ask(now="2026-05-15T18:00:30"))
    assert cut.pieces[-1] == Piece(at("2026-05-15T18:01"), at("2026-05-16"), None, date(2026, 5, 15))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "Pacific/Apia"])
@pytest.mark.parametrize("home", ["UTC", "Australia/Lord_Howe", "Europe/London", "Pacific/Apia"])
def test_the_parts_of_a_window_are_all_of_it_and_nothing_twice(zone: str, home: str) -> None:
    for end in ("2026-04-07", "2026-10-06", "2026-11-03T05:17:00Z", "2012-01-02"):
        window = ask(zone, home=home, end_date=end)
        for cut in (by_days(window), by_hours(window), by_window(window), uncut(window)):
            length = sum((stretch.high - stretch.low for stretch in cut.hours), timedelta())
            for day in cut.rest:
                length += begin(home, day + timedelta(days=1)) - begin(home, day)
            for piece in cut.pieces:
                sign = (piece.day is not None) - (piece.off is not None)
                length += sign * (piece.high - piece.low)
                longest = begin(home, day_of(home, piece) + timedelta(days=1)) - begin(home, day_of(home, piece))
                assert cut.rest == {} or piece.high - piece.low <= longest / 2
            assert length == window.stop - window.start


@given(
    st.sampled_from(["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"]),
    st.sampled_from(["UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/London"]),
    st.integers(0, 60 * 24 * 30).map(lambda minutes: at("2026-03-20") + timedelta(minutes=minutes)),
    st.integers(0, 5_000),
    st.lists(st.integers(-2_000, 7_000), min_size=1, max_size=30),
)
def test_an_instant_is_counted_once_in_its_own_day_and_in_no_other(
    zone: str, home: str, start: datetime, minutes: int, instants: list[int]
) -> None:
    end = start + timedelta(minutes=minutes)
    window = ask(zone, home=home, start_date=start.isoformat(), end_date=end.isoformat())
    for moment in [start, end, *(start + timedelta(minutes=n) for n in instants)]:
        day = moment.astimezone(ZoneInfo(zone)).date()
        for cut in (by_days(window), by_hours(window), uncut(window)):
            assert counted(cut, home, moment) == ({day: 1} if start <= moment <= end else {})


def counted(cut: Cut, home: str, moment: datetime) -> dict[date, int]:
    """How often by reported day."""
    found = Counter(rest for day, rest in cut.rest.items() if moment.astimezone(ZoneInfo(home)).date() == day)
    hour = moment.replace(minute=0, second=0, microsecond=0)
    found.update(stretch.day for stretch in cut.hours if stretch.day and stretch.low <= hour < stretch.high)
    for piece in cut.pieces:
        if piece.low <= moment < piece.high:
            found.update({day: sign for day, sign in ((piece.day, +1), (piece.off, -1)) if day})
    return {day: n for day, n in found.items() if n}


def test_a_stretch_begins_and_ends_at_the_nearest_hour() -> None:
    ends = {"start_date": "2026-05-02T10:40:00Z", "end_date": "2026-05-02T16:20:00Z"}
    cut = by_hours(ask("UTC", home="UTC", **ends))
    assert [(stretch.low, stretch.high) for stretch in cut.hours] == [(at("2026-05-02T11:00"), at("2026-05-02T16:00"))]
    assert [piece.off for piece in cut.pieces] == [None, None]


def test_where_hours_are_rolled_up_no_more_than_half_an_hour_a_day_is_counted() -> None:
    cut = by_hours(ask("Asia/Kathmandu", start_date="2026-05-02", end_date="2026-05-03"))
    assert [(stretch.low, stretch.high, stretch.day) for stretch in cut.hours] == [
        (at("2026-05-01T18:00"), at("2026-05-02T18:00"), date(2026, 5, 2)),
        (at("2026-05-02T18:00"), at("2026-05-03T18:00"), date(2026, 5, 3)),
    ]
    assert list(cut.pieces) == [
        Piece(at("2026-05-01T18:00"), at("2026-05-01T18:15"), None, date(2026, 5, 2)),
        Piece(at("2026-05-02T18:00"), at("2026-05-02T18:15"), date(2026, 5, 2), date(2026, 5, 3)),
        Piece(at("2026-05-03T18:00"), at("2026-05-03T18:15"), date(2026, 5, 3), None),
    ]


async def test_days_that_the_account_has_as_well_are_read_as_days_whatever_lies_between(
    database: Database, founder: Founder
) -> None:
    """Helsinki and Cairo change their clocks on other days: between these, their days differ."""
    company = await founder.company(timezone="Europe/Helsinki")
    log = Logbook(database, company.id)
    log.messages(*(at("2026-03-26") + n * timedelta(hours=1) for n in range(24 * 33)))
    await log.write()
    window = ask("Africa/Cairo", home="Europe/Helsinki", start_date="2026-03-27", end_date="2026-04-26")
    cut = by_hours(window)
    assert [str(day)[5:] for day in cut.rest] == ["03-27", "03-28", "04-25", "04-26"]
    assert len(cut.hours) == len(window.days) - 4
    async with database.transaction(company.id, read_only=True) as tx:
        home = await usage(tx, window, EVERYTHING, compare=False)
        away = await usage(tx, replace(window, home=None), EVERYTHING, compare=False)
    assert home == away
    assert home["total_messages"] == 31 * 24 - 1


def day_of(home: str, piece: Piece) -> date:
    return piece.low.astimezone(ZoneInfo(home)).date()


def test_a_zone_with_the_same_days_is_as_good_as_the_account_s_own() -> None:
    may = {"start_date": "2026-05-01", "end_date": "2026-05-10"}
    assert by_days(ask("Europe/Paris", home="Europe/Berlin", **may)).pieces == []
    assert by_days(ask("Europe/London", home="Europe/Berlin", **may)).pieces
