"""Local days are stretches of time without gap or overlap, whatever clocks do."""

from datetime import date, timedelta

import pytest

from app.facts.calendar import MOMENT, Calendar
from app.facts.deltas import Deltas
from tests.factories import at

# Clocks that went back past midnight, at a minute past, or by hours, by half an hour; that skipped midnight or a day.
CHANGES = {
    "America/St_Johns": "2010-11-07", "America/Goose_Bay": "2010-11-07", "Antarctica/Casey": "2010-03-05",
    "America/Sao_Paulo": "2019-02-17", "America/Havana": "2026-11-01", "Australia/Lord_Howe": "2026-04-05",
    "Africa/Cairo": "2026-04-24", "Pacific/Apia": "2011-12-30", "Asia/Kathmandu": "1986-01-01",
}  # fmt: skip


@pytest.mark.parametrize(("zone", "changed"), CHANGES.items())
def test_an_instant_is_of_the_day_between_whose_bounds_it_is(zone: str, changed: str) -> None:
    calendar, deltas = Calendar(zone), Deltas(Calendar(zone))
    begin = at(changed) - timedelta(days=2)
    minutes = [begin + n * timedelta(minutes=1) for n in range(5 * 24 * 60)]
    days = [calendar.day(instant) for instant in minutes]
    assert days == sorted(days)
    for instant, day in zip(minutes, days, strict=True):
        assert calendar.start(day) <= instant < calendar.end(day)
        assert deltas._place(instant)[0] == day
    for day in {*days[1:]} - {days[0]}:
        assert calendar.day(calendar.start(day)) == day
        assert calendar.day(calendar.start(day) - MOMENT) < day


def test_a_day_whose_first_minute_comes_twice_begins_with_the_first() -> None:
    """Newfoundland: at a minute past midnight it was a minute past eleven in the evening again."""
    calendar = Calendar("America/St_Johns")
    assert calendar.start(date(2010, 11, 7)) == at("2010-11-07T02:30")
    assert calendar.day(at("2010-11-07T02:45")) == date(2010, 11, 7)
