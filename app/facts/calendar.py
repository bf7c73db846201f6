"""Local days: generated in local time and then converted, so that none is lost or doubled when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

AN_HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)


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
        """Where clocks go back past midnight, the new day has begun all the same: days are stretches of time."""
        local = instant.astimezone(self.zone)
        day = local.date()
        if local.fold and instant >= self.start(after := day + timedelta(days=1)):
            return after
        return day

    def start(self, day: date) -> datetime:
        """The first instant of a local day. Where midnight is skipped, the day begins when the clock has jumped."""
        midnight = datetime.combine(day, time(), self.zone)
        utc = midnight.astimezone(UTC)
        if self._date(utc) < day:
            # A gap swallowed midnight and the fold rule chose its far side: the day begins at the gap's end.
            utc = midnight.replace(fold=1).astimezone(UTC)
        return utc if self._date(utc - MOMENT) < day else self._search(day, utc)

    def end(self, day: date) -> datetime:
        """The first instant after a local day."""
        return self.start(day + timedelta(days=1))

    def _date(self, instant: datetime) -> date:
        """What calendars on the wall say, which may be a day earlier than a minute ago."""
        return instant.astimezone(self.zone).date()

    def _search(self, day: date, inside: datetime) -> datetime:
        """The boundary by bisection: some instant before it is of an earlier day, `inside` is not."""
        low, high = inside - timedelta(days=2), inside
        while high - low > MOMENT:
            middle = low + (high - low) / 2
            low, high = (middle, high) if self._date(middle) < day else (low, middle)
        return high
