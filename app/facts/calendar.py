"""Local days: generated in local time and then converted, so that none is lost or doubled when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def monday(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def hour(instant: datetime) -> datetime:
    """The first instant of its hour, in UTC: where the hours of most zones begin as well."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


class Calendar:
    """The days of one zone."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)

    def day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def start(self, day: date) -> datetime:
        """The first instant of a local day. Where midnight is skipped, the day begins when the clock has jumped."""
        midnight = datetime.combine(day, time(), self.zone)
        utc = midnight.astimezone(UTC)
        if utc.astimezone(self.zone).date() < day:
            # A gap swallowed midnight and the fold rule chose its far side: the day begins at the gap's end.
            utc = midnight.replace(fold=1).astimezone(UTC)
        return utc if self.day(utc - timedelta(microseconds=1)) < day else self._search(day, utc)

    def end(self, day: date) -> datetime:
        """The first instant after a local day."""
        return self.start(day + timedelta(days=1))

    def _search(self, day: date, inside: datetime) -> datetime:
        """The boundary by bisection: some instant before it is of an earlier day, `inside` is not."""
        low, high = inside - timedelta(days=2), inside
        while high - low > timedelta(microseconds=1):
            middle = low + (high - low) / 2
            low, high = (middle, high) if self.day(middle) < day else (low, middle)
        return high
