"""Counting again from the facts: does every rollup say what they say, and if not, make it so.

A second definition of each rollup, in SQL, beside the differences the writer applies: two ways to one number.
Days whose facts retention has deleted stay as they were counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.db.engine import Tx
from app.facts.calendar import AN_HOUR, MOMENT, Calendar, hour, monday
from app.facts.latency import DIGITS, GAMMA, counts_of
from app.facts.rollups import HOUR, MEMBER, MESSAGE_NUMBERS, SESSION, SESSION_HOUR, SUBJECT, TIMED, USAGE, WEEK

# $1 is the account; $2, $3, $4 are days with their first instant and the first instant after.
DAYS = "unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) AS d (day, low, high)"
OF_DAY = "m.account_id = $1 AND m.created_at >= d.low AND m.created_at < d.high"
CALL_OF_DAY = "c.account_id = $1 AND c.occurred_at >= d.low AND c.occurred_at < d.high"
COUNTED = """
    count(*) AS messages, count(*) FILTER (WHERE m.is_error) AS errors,
    sum(m.input_tokens)::bigint AS input_tokens, sum(m.output_tokens)::bigint AS output_tokens,
    sum(m.cache_read_tokens)::bigint AS cache_read_tokens,
    sum(m.cache_creation_tokens)::bigint AS cache_creation_tokens,
    count(m.response_time_ms) AS timed, coalesce(sum(m.response_time_ms), 0)::bigint AS response_ms,
    coalesce(sum(m.cost_micros), 0)::bigint AS cost_micros,
    count(*) FILTER (WHERE m.cost_micros IS NULL) AS unpriced
"""
BUCKET = f"CASE WHEN {{ms}} <= 1 THEN 0 ELSE ceil(ln({{ms}}::float8) / ln({GAMMA}::float8) - 1e-9)::integer END"
# By subject and bucket, then by subject. A message is the account's, its member's, its model's, and what an agent
# answered is the agent's.
SUBJECTS = f"""
    SELECT day, subject, name, {", ".join(f"sum({name})::bigint AS {name}" for name in SUBJECT.numbers)},
        coalesce(sum(in_bucket * ('1' || repeat('{"0" * DIGITS}', bucket))::numeric), 0) AS histogram
    FROM (
        SELECT d.day, s.subject, s.name, {BUCKET.format(ms="m.response_time_ms")} AS bucket, {COUNTED},
            0 AS sessions_created, 0 AS sessions_active, 0 AS sessions_updated,
            CASE WHEN s.subject IN ('agent', 'model') THEN count(m.response_time_ms) ELSE 0 END AS in_bucket
        FROM {DAYS} JOIN messages m ON {OF_DAY}
        CROSS JOIN LATERAL (VALUES ('account', ''), ('member', coalesce(m.user_id::text, '')), ('model', m.model_id),
            ('agent', CASE WHEN m.role = 'assistant' THEN coalesce(m.agent_name, '') END)) AS s (subject, name)
        WHERE s.name IS NOT NULL GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT d.day, 'tool', coalesce(c.name, ''), {BUCKET.format(ms="c.duration_ms")}, count(*),
            count(*) FILTER (WHERE c.is_error), 0, 0, 0, 0,
            count(c.duration_ms), coalesce(sum(c.duration_ms), 0)::bigint, 0, 0, 0, 0, 0, count(c.duration_ms)
        FROM {DAYS} JOIN tool_calls c ON {CALL_OF_DAY} GROUP BY 1, 3, 4
        UNION ALL
        SELECT d.day, t.subject, t.name, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), 0, 0, 0
        FROM {DAYS} JOIN ai_sessions s ON s.account_id = $1 AND s.created_at >= d.low AND s.created_at < d.high
        CROSS JOIN LATERAL (VALUES ('account', ''), ('member', coalesce(s.user_id::text, ''))) AS t (subject, name)
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT d.day, 'account', '', NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(DISTINCT m.session_id), 0, 0
        FROM {DAYS} JOIN messages m ON {OF_DAY} GROUP BY 1
        UNION ALL
        SELECT d.day, 'account', '', NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), 0
        FROM {DAYS} JOIN ai_sessions s ON s.account_id = $1 AND s.updated_at >= d.low AND s.updated_at < d.high
        GROUP BY 1
    ) AS parts GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Count:
    """A rollup, and the statement that counts it anew."""

    table: str
    keys: Sequence[str]
    numbers: Sequence[str]
    count: str

    def names(self) -> str:
        return ", ".join([*self.keys, *self.numbers])

    def stored(self) -> str:
        """What stands there; rows that have fallen to zero are as good as absent."""
        nothing = " AND ".join(f"{name} = 0" for name in self.numbers)
        return f"SELECT {self.names()} FROM {self.table} {self._chosen()} AND NOT ({nothing})"

    def delete(self) -> str:
        return f"DELETE FROM {self.table} {self._chosen()}"

    def _chosen(self) -> str:
        return f"WHERE account_id = $1 AND {self.keys[0]} = ANY ($2)"

    def insert(self) -> str:
        """Adds to what is there: a day cut in two by a change of zone is the sum of both parts."""
        sums = [f"{name} = r.{name} + excluded.{name}" for name in self.numbers]
        return f"""
            INSERT INTO {self.table} AS r (account_id, {self.names()})
            SELECT $1, {self.names()} FROM ({self.count}) AS counted ORDER BY {", ".join(self.keys)}
            ON CONFLICT (account_id, {", ".join(self.keys)}) DO UPDATE SET {", ".join(sums)}
        """


COUNTS = (
    Count(
        USAGE.table,
        USAGE.keys,
        MESSAGE_NUMBERS,
        f"""SELECT d.day, coalesce(m.agent_name, '') AS agent_name, coalesce(m.model_id, '') AS model_id, m.role,
            {COUNTED} FROM {DAYS} JOIN messages m ON {OF_DAY} GROUP BY 1, 2, 3, 4""",
    ),
    Count(
        MEMBER.table,
        MEMBER.keys,
        MESSAGE_NUMBERS,
        f"""SELECT d.day, coalesce(m.user_id, '00000000-0000-0000-0000-000000000000') AS user_id,
            coalesce(m.model_id, '') AS model_id, {COUNTED} FROM {DAYS} JOIN messages m ON {OF_DAY} GROUP BY 1, 2, 3""",
    ),
    Count(SUBJECT.table, SUBJECT.keys, SUBJECT.added, SUBJECTS),
    Count(
        SESSION.table,
        SESSION.keys,
        SESSION.numbers,
        f"SELECT d.day, m.session_id, count(*) AS messages FROM {DAYS} JOIN messages m ON {OF_DAY} GROUP BY 1, 2",
    ),
)
# A week is the sum of its days, those included whose facts are gone. $2 are Mondays.
WEEKS = Count(
    WEEK.table,
    WEEK.keys,
    WEEK.added,
    f"""SELECT w.day, s.subject, s.name, {", ".join(f"sum(s.{name})::bigint AS {name}" for name in WEEK.numbers)},
            sum(s.histogram) AS histogram
        FROM unnest($2::date[]) AS w (day) JOIN subject_days s ON s.account_id = $1
            AND s.subject = ANY ('{{{", ".join(TIMED)}}}') AND s.day >= w.day AND s.day < w.day + 7
        GROUP BY 1, 2, 3 HAVING {" OR ".join(f"sum(s.{name}) <> 0" for name in WEEK.added)}""",
)
# Of the zone of no account. $2 are the hours' first instants.
OF_HOUR = """unnest($2::timestamptz[]) AS h (hour) JOIN messages m
    ON m.account_id = $1 AND m.created_at >= h.hour AND m.created_at < h.hour + interval '1 hour'"""
HOURS = (
    Count(HOUR.table, HOUR.keys, HOUR.numbers, f"SELECT h.hour, {COUNTED} FROM {OF_HOUR} GROUP BY 1"),
    Count(
        SESSION_HOUR.table,
        SESSION_HOUR.keys,
        SESSION_HOUR.numbers,
        f"SELECT h.hour, m.session_id, count(*) AS messages FROM {OF_HOUR} GROUP BY 1, 2",
    ),
)
# Days with anything in a rollup, and days in UTC with facts or hours: whose local days are those, or one before or
# after.
ROLLED_UP = " UNION ".join(f"SELECT day FROM {count.table} WHERE account_id = $1" for count in COUNTS)
WITH_FACTS = """
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day FROM messages WHERE account_id = $1
    UNION SELECT (occurred_at AT TIME ZONE 'UTC')::date FROM tool_calls WHERE account_id = $1
    UNION SELECT (created_at AT TIME ZONE 'UTC')::date FROM ai_sessions WHERE account_id = $1
    UNION SELECT (updated_at AT TIME ZONE 'UTC')::date FROM ai_sessions WHERE account_id = $1
    UNION SELECT (hour AT TIME ZONE 'UTC')::date FROM account_hours WHERE account_id = $1
    UNION SELECT (hour AT TIME ZONE 'UTC')::date FROM session_hours WHERE account_id = $1
"""
ONE_DAY = timedelta(days=1)
# Ours; the server's own limit on a statement is the one that is felt.
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Difference:
    """One rollup row that does not say what the facts say."""

    table: str
    key: tuple[Any, ...]
    stored: tuple[Any, ...] | None
    counted: tuple[Any, ...] | None

    def __str__(self) -> str:
        return f"{self.table} {', '.join(map(str, self.key))}: stored {self.stored}, facts {self.counted}"


@dataclass(frozen=True)
class Span:
    """Some local days with their bounds."""

    days: Sequence[date]
    lows: Sequence[datetime]
    highs: Sequence[datetime]

    @classmethod
    def of(cls, calendar: Calendar, days: Sequence[date], earliest: datetime | None = None) -> "Span":
        """Days as the calendar has them; `earliest` cuts off what lies before it."""
        lows = [calendar.start(day) for day in days]
        cut = lows if earliest is None else [max(low, earliest) for low in lows]
        return cls(days, cut, [calendar.end(day) for day in days])


async def days_of(tx: Tx, calendar: Calendar, counted_from: datetime | None) -> list[date]:
    """The days that can be counted again, in order: those whose facts are all there."""
    days = {row["day"] for row in await tx.driver.fetch(ROLLED_UP, tx.account)}
    for row in await tx.driver.fetch(WITH_FACTS, tx.account):
        days |= {row["day"] - ONE_DAY, row["day"], row["day"] + ONE_DAY}
    return [day for day in sorted(days) if counted_from is None or calendar.start(day) >= counted_from]


async def compare(tx: Tx, span: Span) -> list[Difference]:
    """Every row of these days that differs. The transaction must see one moment (REPEATABLE READ)."""
    found: list[Difference] = []
    parts: list[tuple[Count, tuple[Any, ...]]] = [(count, bounds(span)) for count in COUNTS]
    parts += [(WEEKS, (weeks(span.days),)), *((count, (hours(span),)) for count in HOURS)]
    for count, values in parts:
        width = len(count.keys)
        stored = await table(tx, count.stored(), width, values[0])
        counted = await table(tx, f"SELECT {count.names()} FROM ({count.count}) AS c", width, *values)
        pairs = {key: (stored.get(key), counted.get(key)) for key in sorted(stored.keys() | counted.keys())}
        found += [Difference(count.table, key, *pair) for key, pair in pairs.items() if pair[0] != pair[1]]
    return found


async def table(tx: Tx, sql: str, width: int, *values: object) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = await tx.driver.fetch(sql, tx.account, *values)
    return {tuple(row[:width]): tuple(map(legible, row[width:])) for row in rows}


def legible(value: Any) -> Any:
    """A histogram as counts by bucket, for who reads a difference."""
    return str(counts_of(value)) if isinstance(value, Decimal) else value


async def replace(tx: Tx, span: Span) -> None:
    """Count these days anew. The caller holds the account's facts alone."""
    await clear(tx, span.days)
    await insert(tx, span)
    await renew_weeks(tx, span.days)
    for count in HOURS:
        await renew(tx, count, hours(span))


async def clear(tx: Tx, days: Sequence[date]) -> None:
    """Their weeks are to be renewed in the end; so with `insert`."""
    for count in COUNTS:
        await tx.driver.execute(count.delete(), tx.account, days, timeout=PATIENCE_S)


async def insert(tx: Tx, span: Span) -> None:
    for count in COUNTS:
        await tx.driver.execute(count.insert(), tx.account, *bounds(span), timeout=PATIENCE_S)


async def renew_weeks(tx: Tx, days: Iterable[date]) -> None:
    """Those of days that were counted anew."""
    await renew(tx, WEEKS, weeks(days))


async def renew(tx: Tx, count: Count, moments: Sequence[Any]) -> None:
    for sql in (count.delete(), count.insert()):
        await tx.driver.execute(sql, tx.account, moments, timeout=PATIENCE_S)


def hours(span: Span) -> list[datetime]:
    """Those that begin on these days: of others, facts may be gone."""
    found = []
    for low, high in zip(span.lows, span.highs, strict=True):
        at = hour(low + AN_HOUR - MOMENT)
        while at < high:
            found.append(at)
            at += AN_HOUR
    return found


def weeks(days: Iterable[date]) -> list[date]:
    return sorted({monday(day) for day in days})


def bounds(span: Span) -> tuple[Sequence[date], Sequence[datetime], Sequence[datetime]]:
    return span.days, span.lows, span.highs
