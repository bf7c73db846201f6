"""What a change of facts changes in the rollups: the new rows count once more, the old ones once less.

Pure: no database, no clock. Messages are summed once, by everything any rollup tells apart; the rollups are sums of
those groups.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from app.facts.calendar import AN_HOUR, MOMENT, Calendar, hour
from app.facts.latency import as_number, bucket

Numbers = list[int]
Rows = dict[tuple[Any, ...], Numbers]

# A line of a report: day, subject, name; its numbers, and its histogram as what is added and what is taken away.
Line = tuple[date, str, str]
Lines = dict[tuple[Any, ...], tuple[Any, ...]]

NO_USER = UUID(int=0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ACCOUNT = ("account", "")
COUNTED = (
    "created_at",
    "role",
    "agent_name",
    "model_id",
    "user_id",
    "session_id",
    "is_error",
    "response_time_ms",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cost_micros",
)
CALLED = ("occurred_at", "name", "session_id", "is_error", "duration_ms")
MESSAGE_NUMBERS = 10
CALL_NUMBERS = 4
NOTHING = [0] * MESSAGE_NUMBERS
# Created, active, updated.
NO_SESSIONS = [0, 0, 0]


# Everything that any rollup of messages tells apart: day, agent, model, role, user, session, hour.
Group = tuple[date, str, str, str, UUID, UUID, datetime]


@dataclass
class SessionChange:
    """What changed in one session's totals."""

    by_role: Counter[str] = field(default_factory=Counter)
    numbers: Numbers = field(default_factory=lambda: [0] * MESSAGE_NUMBERS)
    models: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    call_errors: int = 0
    came: Sequence[datetime] = ()
    went: Sequence[datetime] = ()


class Deltas:
    """The differences one transaction makes."""

    def __init__(self, calendar: Calendar) -> None:
        self._day = calendar.day
        # By number: the hour, and the day that all of it is in.
        self._hours: dict[int, tuple[datetime, date | None]] = {}
        self.groups: dict[Group, Numbers] = {}
        self.tools: Rows = {}
        self.histograms: defaultdict[Line, defaultdict[int, int]] = defaultdict(new_histogram)
        self.sessions: defaultdict[UUID, SessionChange] = defaultdict(SessionChange)
        self.came: defaultdict[UUID, list[datetime]] = defaultdict(list)
        self.went: defaultdict[UUID, list[datetime]] = defaultdict(list)
        self.created: Counter[tuple[date, UUID]] = Counter()
        self.updated: Counter[date] = Counter()

    def session(self, sign: int, created: datetime, user: UUID | None) -> None:
        """A member's session comes (+1) or goes (-1)."""
        self.created[self._day(created), user or NO_USER] += sign

    def update(self, sign: int, updated: datetime) -> None:
        """That a session was updated, when last, is true from now on (+1) or no more (-1)."""
        self.updated[self._day(updated)] += sign

    def message(self, sign: int, values: Sequence[Any]) -> None:
        """One message, in the columns of COUNTED, comes (+1) or goes (-1)."""
        created, role, agent, model, user, session, error, ms, given, made, read, written, cost = values
        day, begin = self._place(created)
        group = (day, agent or "", model or "", role, user or NO_USER, session, begin)
        cell = self.groups.get(group)
        if cell is None:
            cell = self.groups[group] = [0] * MESSAGE_NUMBERS
        cell[0] += sign
        cell[1] += sign * error
        cell[2] += sign * given
        cell[3] += sign * made
        cell[4] += sign * read
        cell[5] += sign * written
        if ms is not None:
            cell[6] += sign
            cell[7] += sign * ms
            self._time(sign, group, bucket(ms))
        if cost is None:
            cell[9] += sign
        else:
            cell[8] += sign * cost
        (self.came if sign > 0 else self.went)[session].append(created)

    def _place(self, at: datetime) -> tuple[date, datetime]:
        """Its day and its hour. Few hours make a batch: to work each out again would be two fifths of this."""
        number = (at - EPOCH) // AN_HOUR
        if number not in self._hours:
            begin = hour(at)
            first, last = self._day(begin), self._day(begin + AN_HOUR - MOMENT)
            self._hours[number] = begin, first if first == last else None
        begin, day = self._hours[number]
        return day or self._day(at), begin

    def _time(self, sign: int, group: Group, number: int) -> None:
        """Into the histograms: an agent's are of what it answered, a model's of whatever names it."""
        if group[3] == "assistant":
            self.histograms[group[0], "agent", group[1]][number] += sign
        if group[2]:
            self.histograms[group[0], "model", group[2]][number] += sign

    def call(self, sign: int, values: Sequence[Any]) -> None:
        """One tool call, in the columns of CALLED, comes (+1) or goes (-1)."""
        at, name, session, error, ms = values
        day, tool = self._place(at)[0], name or ""
        cell = self.tools.setdefault((day, tool), [0] * CALL_NUMBERS)
        cell[0] += sign
        cell[1] += sign * error
        if ms is not None:
            cell[2] += sign
            cell[3] += sign * ms
            self.histograms[day, "tool", tool][bucket(ms)] += sign
        self.sessions[session].calls += sign
        self.sessions[session].call_errors += sign * error

    def usage_days(self) -> Rows:
        return summed((g[:4], n) for g, n in self.groups.items())

    def member_days(self) -> Rows:
        return summed(((g[0], g[4], g[2]), n) for g, n in self.groups.items())

    def session_days(self) -> Rows:
        return summed(((g[0], g[5]), n[:1]) for g, n in self.groups.items())

    def account_hours(self) -> Rows:
        return summed(((g[6],), n) for g, n in self.groups.items())

    def session_hours(self) -> Rows:
        return summed(((g[6], g[5]), n[:1]) for g, n in self.groups.items())

    def subject_days(self, usage: Rows, member: Rows, active: Iterable[tuple[date, int]]) -> Lines:
        """The account's line, and those of agents, models, tools and members, from what is summed already.

        An agent's are of what it answered, a model's of whatever names it. `active`: how many sessions became active.
        """
        parts: list[tuple[Line, Numbers]] = []
        for (day, agent, model, role), numbers in usage.items():
            parts.append(((day, *ACCOUNT), [*numbers, *NO_SESSIONS]))
            if role == "assistant":
                parts.append(((day, "agent", agent), [*numbers, *NO_SESSIONS]))
            if model:
                parts.append(((day, "model", model), [*numbers, *NO_SESSIONS]))
        for (day, user, _), numbers in member.items():
            parts.append(((day, "member", named(user)), [*numbers, *NO_SESSIONS]))
        for (day, tool), (calls, errors, timed, ms) in self.tools.items():
            parts.append(((day, "tool", tool), [calls, errors, 0, 0, 0, 0, timed, ms, 0, 0, *NO_SESSIONS]))
        for (day, user), n in self.created.items():
            lines = (ACCOUNT, ("member", named(user)))
            parts += [((day, subject, name), [*NOTHING, n, 0, 0]) for subject, name in lines]
        parts += [((day, *ACCOUNT), [*NOTHING, 0, n, 0]) for day, n in active]
        parts += [((day, *ACCOUNT), [*NOTHING, 0, 0, n]) for day, n in self.updated.items()]
        return self._timed(summed(parts, keep=self.histograms.keys()))

    def _timed(self, rows: Rows) -> Lines:
        """With histograms: what is added to them, and what is taken away."""
        lines: Lines = {}
        for key, numbers in rows.items():
            counts: Mapping[int, int] = self.histograms.get(key, {})
            more = {number: n for number, n in counts.items() if n > 0}
            less = {number: -n for number, n in counts.items() if n < 0}
            if more or less or any(numbers):
                lines[key] = (*numbers, as_number(more), as_number(less))
        return lines

    def session_changes(self) -> Mapping[UUID, SessionChange]:
        """Everything that happened to each session, sorted by it."""
        for group, numbers in self.groups.items():
            change = self.sessions[group[5]]
            change.by_role[group[3]] += numbers[0]
            if group[2]:
                change.models[group[2]] += numbers[0]
            change.numbers = [a + b for a, b in zip(change.numbers, numbers, strict=True)]
        for session, change in self.sessions.items():
            came, went = Counter(self.came.get(session, ())), Counter(self.went.get(session, ()))
            # A message told again at the same instant neither came nor went.
            change.came, change.went = [*(came - went).elements()], [*(went - came).elements()]
        return dict(sorted(self.sessions.items()))


def new_histogram() -> defaultdict[int, int]:
    return defaultdict(int)


def named(user: UUID) -> str:
    return "" if user == NO_USER else str(user)


def summed(parts: Iterable[tuple[tuple[Any, ...], Numbers]], keep: Collection[object] = ()) -> Rows:
    """Parts of one key added up, sorted by key; what changes nothing is dropped, but for what is to be kept."""
    told: dict[tuple[Any, ...], list[Numbers]] = {}
    for key, numbers in parts:
        told.setdefault(key, []).append(numbers)
    # Column by column: most keys have many parts or one.
    rows = {key: [*map(sum, zip(*told[key], strict=True))] for key in sorted(told)}
    return {key: numbers for key, numbers in rows.items() if any(numbers) or key in keep}
