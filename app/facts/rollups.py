"""The rollups, as the writer adds to them: one generic statement, always in the same order of tables and of keys.

That order is what keeps two writers from waiting for each other in a circle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any

from app.db.engine import Tx
from app.facts.calendar import monday
from app.facts.deltas import Deltas, Lines

MESSAGE_NUMBERS = (
    "messages",
    "errors",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "timed",
    "response_ms",
    "cost_micros",
    "unpriced",
)
# Rows of one statement: what the driver makes of them is as large as they are.
AT_ONCE = 2_500


@dataclass(frozen=True)
class Rollup:
    """A table of numbers by account, day or hour, and more."""

    table: str
    keys: Sequence[str]
    key_types: Sequence[str]
    numbers: Sequence[str]
    returning: str = ""
    # Has a histogram beside its numbers, sent as what is added and what is taken away.
    timed: bool = False
    # A key may be sent more than once.
    folded: bool = False

    @property
    def added(self) -> list[str]:
        """What adds up."""
        return [*self.numbers, *(["histogram"] if self.timed else [])]

    @cached_property
    def add(self) -> str:
        """$1 is the account, then an array a column."""
        sent = [*self.keys, *self.numbers, *(["more", "less"] if self.timed else [])]
        types = [*self.key_types, *["bigint"] * len(self.numbers), *["text", "text"]]
        arrays = ", ".join(f"${i}::{kind}[]" for i, (_, kind) in enumerate(zip(sent, types, strict=False), 2))
        given = [*self.numbers, *(["more::numeric - less::numeric"] if self.timed else [])]
        if self.folded:
            given = [f"sum({number})" for number in given]
        keys = ", ".join(self.keys)
        sums = ", ".join(f"{name} = r.{name} + excluded.{name}" for name in self.added)
        return f"""
            INSERT INTO {self.table} AS r (account_id, {keys}, {", ".join(self.added)})
            SELECT $1, {keys}, {", ".join(given)} FROM unnest({arrays}) AS t ({", ".join(sent)})
            {f"GROUP BY {keys}" if self.folded else ""} ORDER BY {keys}
            ON CONFLICT (account_id, {keys}) DO UPDATE SET {sums} {self.returning}
        """


USAGE = Rollup(
    "usage_days", ("day", "agent_name", "model_id", "role"), ("date", "text", "text", "text"), MESSAGE_NUMBERS
)
MEMBER = Rollup("member_days", ("day", "user_id", "model_id"), ("date", "uuid", "text"), MESSAGE_NUMBERS)
# Tells which sessions became active on a day, or ceased to be, so that days know their number of sessions.
SESSION = Rollup(
    "session_days",
    ("day", "session_id"),
    ("date", "uuid"),
    ("messages",),
    "RETURNING new.day AS day, (new.messages > 0)::int - (coalesce(old.messages, 0) > 0)::int AS active",
)
SUBJECT = Rollup(
    "subject_days",
    ("day", "subject", "name"),
    ("date", "text", "text"),
    (*MESSAGE_NUMBERS, "sessions_created", "sessions_active", "sessions_updated"),
    timed=True,
)
# The subjects that have histograms, and their lines by the Monday of each day.
TIMED = ("agent", "model", "tool")
WEEK = Rollup(
    "subject_weeks", ("day", "subject", "name"), ("date", "text", "text"), MESSAGE_NUMBERS, timed=True, folded=True
)
HOUR = Rollup("account_hours", ("hour",), ("timestamptz",), MESSAGE_NUMBERS)
SESSION_HOUR = Rollup("session_hours", ("hour", "session_id"), ("timestamptz", "uuid"), ("messages",))
NEXT_VERSION = """
    INSERT INTO account_versions AS v (account_id, version, changed_at) VALUES ($1, 1, $2)
    ON CONFLICT (account_id) DO UPDATE SET version = v.version + 1, changed_at = greatest(v.changed_at, $2)
"""


async def add(tx: Tx, deltas: Deltas, now: datetime) -> None:
    """Write the differences; afterwards the rollups say what the facts say."""
    usage, member = deltas.usage_days(), deltas.member_days()
    await add_rows(tx, USAGE, usage)
    await add_rows(tx, MEMBER, member)
    turned = await add_rows(tx, SESSION, deltas.session_days())
    lines = deltas.subject_days(usage, member, turned)
    await add_rows(tx, SUBJECT, lines)
    await add_lines(tx, WEEK, by_week(lines))
    await add_rows(tx, HOUR, deltas.account_hours())
    await add_rows(tx, SESSION_HOUR, deltas.session_hours())
    await tx.driver.execute(NEXT_VERSION, tx.account, now)


async def add_rows(tx: Tx, rollup: Rollup, rows: Mapping[tuple[Any, ...], Sequence[Any]]) -> list[Any]:
    return await add_lines(tx, rollup, [(*key, *numbers) for key, numbers in rows.items()])


async def add_lines(tx: Tx, rollup: Rollup, lines: Sequence[tuple[Any, ...]]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(lines), AT_ONCE):
        columns = zip(*lines[start : start + AT_ONCE], strict=True)
        found += await tx.driver.fetch(rollup.add, tx.account, *columns)
    return found


def by_week(lines: Lines) -> list[tuple[Any, ...]]:
    """Those with histograms, sorted, so that a part of them, too, is in the order of the keys."""
    counted = len(MESSAGE_NUMBERS)
    weeks = [
        (monday(day), subject, name, *values[:counted], *values[-2:])
        for (day, subject, name), values in lines.items()
        if subject in TIMED
    ]
    return sorted(weeks, key=itemgetter(0, 1, 2))
