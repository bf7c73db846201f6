"""A window of time and its local days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Self

from app.analytics.parameters import WindowQuery
from app.facts.calendar import MOMENT, Calendar
from app.web.problems import Unprocessable

MOST_DAYS = 400
# More than any zone ever skipped.
A_FEW = 3
SKIPPED = "must be another day: there is no {} in {}, whose calendar skipped it"
DEFAULT = timedelta(days=30)
A_DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


@lru_cache(maxsize=1_000)
def calendar(zone: str) -> Calendar:
    return Calendar(zone)


@lru_cache(maxsize=100_000)
def begin(zone: str, day: date) -> datetime:
    """The first instant of a local day."""
    return calendar(zone).start(day)


def exists(zone: str, day: date) -> bool:
    """False for a day that a zone skipped."""
    return begin(zone, day) < begin(zone, day + A_DAY)


@lru_cache(maxsize=300)
def days_from(zone: str, first: date, dates: int) -> Sequence[date]:
    """So many dates but those that the zone skipped."""
    days = (first + n * A_DAY for n in range(dates))
    return tuple(day for day in days if exists(zone, day))


@dataclass(frozen=True)
class Window:
    """From `start` up to, not including, `stop`; both ends of what was asked for are inside."""

    start: datetime
    stop: datetime
    zone: str
    of_days: bool  # both ends were given as days
    home: str | None  # the account's zone, whose days rollups know; None: count everything from facts

    @classmethod
    def of(cls, asked: WindowQuery, home: str, now: datetime, length: timedelta = DEFAULT) -> Self:
        """Raises Unprocessable where the ends are in the wrong order or too far apart."""
        ends = asked.start_date, asked.end_date or this_minute(now) + A_MINUTE - MOMENT
        return cls._between(ends, asked.timezone or home, home, length, to_the_minute=asked.end_date is None)

    @classmethod
    @lru_cache(maxsize=1_000)
    def _between(
        cls,
        ends: tuple[date | datetime | None, date | datetime],
        zone: str,
        home: str,
        length: timedelta,
        *,
        to_the_minute: bool,
    ) -> Self:
        """Kept, as pages ask for the same again and again."""
        first, last = ends
        stop = after(last, zone)
        start = since(first, zone) if first else before(stop, zone, length, to_the_minute=to_the_minute)
        of_days = is_day(first) and is_day(last)
        if start >= stop:
            skipped = of_days and first == last
            raise refused("start_date", SKIPPED.format(first, zone) if skipped else "must not be after end_date")
        window = cls(start, stop, zone, of_days, home)
        # Days are looked up one by one only where there cannot be many.
        if (dates := window.dates(zone)) > MOST_DAYS and (dates > MOST_DAYS + A_FEW or len(window.days) > MOST_DAYS):
            raise refused("start_date", f"must be later: a window has at most {MOST_DAYS} local days")
        return window

    @property
    def end(self) -> datetime:
        return self.stop - MOMENT

    @property
    def shown(self) -> dict[str, Any]:
        """The window as used; sent again, it is the same window."""
        return {"start_date": self.start, "end_date": self.end, "timezone": self.zone}

    @cached_property
    def days(self) -> Sequence[date]:
        """Every local day that the window touches; a day that a zone skipped is none."""
        return self.days_in(self.zone)

    def dates(self, zone: str) -> int:
        """How many dates, those included that the zone skipped."""
        local = calendar(zone)
        return (local.day(self.end) - local.day(self.start)).days + 1

    def days_in(self, zone: str) -> Sequence[date]:
        return days_from(zone, calendar(zone).day(self.start), self.dates(zone))

    @property
    def previous(self) -> "Window":
        """The equally long window just before: as many local days, else as much time."""
        if not self.of_days:
            return Window(self.start - (self.stop - self.start), self.start, self.zone, of_days=False, home=self.home)
        first, missing = self.days[0], len(self.days)
        while missing:
            first -= A_DAY
            missing -= exists(self.zone, first)
        return Window(begin(self.zone, first), self.start, self.zone, of_days=True, home=self.home)


def this_minute(now: datetime) -> datetime:
    """To the minute, so that equal questions within it are the same question, and the answer keeps its tag."""
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def is_day(given: date | datetime | None) -> bool:
    return isinstance(given, date) and not isinstance(given, datetime)


def since(given: date | datetime, zone: str) -> datetime:
    """The first instant of what was given."""
    if not isinstance(given, datetime):
        return begin(zone, given)
    return (given if given.tzinfo else given.replace(tzinfo=calendar(zone).zone)).astimezone(UTC)


def after(given: date | datetime, zone: str) -> datetime:
    """The first instant after what was given."""
    return since(given, zone) + MOMENT if isinstance(given, datetime) else begin(zone, given + A_DAY)


def before(stop: datetime, zone: str, length: timedelta, *, to_the_minute: bool) -> datetime:
    """So many local days before the end: the same time of the clock, or the whole day where the end is one."""
    local = calendar(zone)
    day = local.day(stop - MOMENT)
    if stop == begin(zone, day + A_DAY) and not to_the_minute:
        return begin(zone, day - length)
    start = ((stop - MOMENT).astimezone(local.zone) - length).astimezone(UTC)
    return this_minute(start) if to_the_minute else start


def refused(name: str, rule: str) -> Unprocessable:
    return Unprocessable(f"query.{name}: {rule}.", errors=[{"loc": ["query", name], "msg": rule, "type": "window"}])
