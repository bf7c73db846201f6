"""How a window is cut: into weeks and days, none of them twice and none left out."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.analytics.cut import by_window
from app.analytics.window import Window, begin

A_DAY = timedelta(days=1)


@given(st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.integers(1, 400))
def test_weeks_and_days_are_the_window(first: date, length: int) -> None:
    wanted = [first + n * A_DAY for n in range(length)]
    window = Window(begin("UTC", first), begin("UTC", first + length * A_DAY), "UTC", of_days=True, home="UTC")
    cut = by_window(window)
    monday, stop, days = (cut.weeks[name] for name in ("first", "stop", "days"))
    assert isinstance(monday, date)
    assert isinstance(stop, date)
    assert isinstance(days, list)
    in_weeks = [monday + n * A_DAY for n in range((stop - monday).days)]
    assert sorted([*in_weeks, *days]) == wanted
    assert (monday.weekday(), stop.weekday(), len(days) <= 12) == (0, 0, True)


def test_a_day_that_is_cut_is_in_its_week_and_the_rest_taken_away() -> None:
    """Monday to Sunday, but half of Sunday is not asked for: it is read whole, and its other half taken away."""
    window = Window(
        datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 15, 13, tzinfo=UTC), "UTC", of_days=False, home="UTC"
    )
    assert by_window(window).weeks == {"first": date(2026, 11, 9), "stop": date(2026, 11, 16), "days": []}
    assert len(by_window(window).signed) == 1
