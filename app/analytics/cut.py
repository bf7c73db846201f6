"""How a window is cut: whole days of the account's and whole hours, read from rollups, and pieces, counted from facts.

Where midnight of the reported zone, or an end of the window, falls into one of the account's days, only the smaller
parts of that day are counted; the longest is what the rollups say less these. So an end that is now costs nothing,
and no day costs more than half of itself. Where hours are rolled up as well, it is half an hour.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import pairwise

from app.analytics.window import A_DAY, Window, begin
from app.facts.calendar import AN_HOUR, hour, monday


@dataclass(frozen=True)
class Piece:
    """From `low` up to `high`: of the reported `day`, or outside of the window; taken off what rollups say of `off`."""

    low: datetime
    high: datetime
    day: date | None
    off: date | None = None


@dataclass(frozen=True)
class Cut:
    """`rest`: the account's days that are read from rollups, and the reported day that the rest of each counts for.

    `hours`: stretches of whole hours, read from rollups. `pieces`: facts.
    """

    rest: Mapping[date, date]
    pieces: Sequence[Piece]
    hours: Sequence[Piece] = ()

    @cached_property
    def whole(self) -> tuple[date, date] | None:
        """First and last of the days that are read from rollups."""
        return (min(self.rest), max(self.rest)) if self.rest else None

    @cached_property
    def weeks(self) -> Mapping[str, object]:
        """Of these days: the first Monday, the one after the last Sunday, and the days that are not between them."""
        assert self.whole  # noqa: S101 - asked only where there are such days
        first, last = self.whole
        days = [first + n * A_DAY for n in range((last - first).days + 1)]
        start = monday(first + 6 * A_DAY)
        stop = max(start, monday(last + A_DAY))
        return {"first": start, "stop": stop, "days": [day for day in days if not start <= day < stop]}

    @cached_property
    def signed(self) -> Sequence[tuple[Piece, int]]:
        """For totals: pieces to add, pieces to take away; what moves between two reported days changes nothing."""
        signs = ((piece, (piece.day is not None) - (piece.off is not None)) for piece in self.pieces)
        return [(piece, sign) for piece, sign in signs if sign]


@lru_cache(maxsize=1_000)
def by_days(window: Window) -> Cut:
    """For every reported day."""
    return cut(window, [begin(window.zone, day) for day in window.days]) if window.home else uncut(window)


@lru_cache(maxsize=1_000)
def by_hours(window: Window) -> Cut:
    """For every reported day, of what is rolled up by hours too: days that the account has as well, and stretches.

    A stretch begins and ends at the nearest whole hour. What lies between that and where the day really begins or
    ends is counted: for the day it is of, and off the stretch it is in.
    """
    if not window.home:
        return uncut(window)
    days = uncut(window).pieces
    rest = {part.day: part.day for part in days if part.day and is_home(window, part)}
    stretches = [None if part.day in rest else part for part in days]
    pieces: list[Piece] = []
    for before, after in pairwise([None, *stretches, None]):
        if not (at := (before and before.high) or (after and after.low)):
            continue
        low, high = sorted((at, nearest(at)))
        of, off = (after, before) if low == at else (before, after)
        if low < high:
            pieces.append(Piece(low, high, of.day if of else None, off.day if off else None))
    hours = [Piece(nearest(part.low), nearest(part.high), part.day) for part in stretches if part]
    return Cut(rest, pieces, hours)


def is_home(window: Window, part: Piece) -> bool:
    """A whole day that is one of the account's."""
    home, day = window.home or "", part.day or date.max
    return (part.low, part.high) == (begin(home, day), begin(home, day + A_DAY))


def nearest(at: datetime) -> datetime:
    """The nearest whole hour, in UTC."""
    return hour(at + AN_HOUR / 2)


@lru_cache(maxsize=1_000)
def by_window(window: Window) -> Cut:
    """For the window as one, whatever zone its days are reported in."""
    return cut(window, []) if window.home else entire(window)


def entire(window: Window) -> Cut:
    """For what no rollup can answer of the window as one."""
    return Cut({}, [Piece(window.start, window.stop, day) for day in window.days[:1]])


def uncut(window: Window) -> Cut:
    """For what no rollup can answer: every reported day is a piece."""
    bounds = [window.start, *(begin(window.zone, day) for day in window.days[1:]), window.stop]
    days = zip(pairwise(bounds), window.days, strict=False)
    return Cut({}, [Piece(low, high, day) for (low, high), day in days])


def cut(window: Window, starts: Sequence[datetime]) -> Cut:
    """`starts`: where the reported days begin."""
    marks = sorted({window.start, window.stop, *starts})
    rest: dict[date, date] = {}
    pieces: list[Piece] = []
    for home in window.days_in(window.home or ""):
        low, high = begin(window.home or "", home), begin(window.home or "", home + A_DAY)
        inner = [mark for mark in marks if low < mark < high]
        parts = [Piece(a, b, reported(window, starts, a)) for a, b in pairwise([low, *inner, high])]
        longest = max(parts, key=lambda part: part.high - part.low)
        if longest.day is None:
            pieces += [part for part in parts if part.day is not None]
        else:
            rest[home] = longest.day
            pieces += [replace(part, off=longest.day) for part in parts if part is not longest]
    return Cut(rest, pieces)


def reported(window: Window, starts: Sequence[datetime], at: datetime) -> date | None:
    """The reported day of an instant, if it is in the window; without starts, any day will do."""
    if not window.start <= at < window.stop:
        return None
    return window.days[bisect_right(starts, at) - 1] if starts else window.days[0]
