"""The rollups, as the writer adds to them: one generic statement, always in the same order of tables and of keys.

That order is what keeps two writers from waiting for each other in a circle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.engine import Tx
from app.facts.deltas import Deltas

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


@dataclass(frozen=True)
class Rollup:
    """A table of numbers by account, day and more."""

    table: str
    keys: Sequence[str]
    key_types: Sequence[str]
    numbers: Sequence[str]
    returning: str = ""

    @property
    def add(self) -> str:
        """$1 is the account, then an array a column."""
        names = [*self.keys, *self.numbers]
        types = [*self.key_types, *["bigint"] * len(self.numbers)]
        arrays = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(types, 2))
        sums = ", ".join(f"{name} = r.{name} + excluded.{name}" for name in self.numbers)
        return f"""
            INSERT INTO {self.table} AS r (account_id, {", ".join(names)})
            SELECT $1, t.* FROM unnest({arrays}) AS t ({", ".join(names)}) ORDER BY {", ".join(self.keys)}
            ON CONFLICT (account_id, {", ".join(self.keys)}) DO UPDATE SET {sums} {self.returning}
        """


USAGE = Rollup(
    "usage_days", ("day", "agent_name", "model_id", "role"), ("date", "text", "text", "text"), MESSAGE_NUMBERS
)
MEMBER = Rollup("member_days", ("day", "user_id", "model_id"), ("date", "uuid", "text"), MESSAGE_NUMBERS)
TOOL = Rollup("tool_days", ("day", "name"), ("date", "text"), ("calls", "errors", "timed", "duration_ms"))
# Tells which sessions became active on a day, or ceased to be, so that days know their number of sessions.
SESSION = Rollup(
    "session_days",
    ("day", "session_id"),
    ("date", "uuid"),
    ("messages",),
    "RETURNING new.day AS day, (new.messages > 0)::int - (coalesce(old.messages, 0) > 0)::int AS active",
)
ACCOUNT = Rollup("account_days", ("day",), ("date",), ("sessions_created", "sessions_active"))
ADD_HISTOGRAMS = """
    INSERT INTO latency_days AS r (account_id, day, subject, name, histogram)
    SELECT $1, t.day, t.subject, t.name, t.histogram::integer[]
    FROM unnest($2::date[], $3::text[], $4::text[], $5::text[]) AS t (day, subject, name, histogram)
    ORDER BY day, subject, name
    ON CONFLICT (account_id, day, subject, name)
    DO UPDATE SET histogram = histogram_sum(r.histogram, excluded.histogram)
"""
NEXT_VERSION = """
    INSERT INTO account_versions AS v (account_id, version, changed_at) VALUES ($1, 1, $2)
    ON CONFLICT (account_id) DO UPDATE SET version = v.version + 1, changed_at = greatest(v.changed_at, $2)
"""


async def add(tx: Tx, deltas: Deltas, now: datetime) -> None:
    """Write the differences; afterwards the rollups say what the facts say."""
    await add_rows(tx, USAGE, deltas.usage_days())
    await add_rows(tx, MEMBER, deltas.member_days())
    await add_rows(tx, TOOL, deltas.tool_days())
    await add_histograms(tx, deltas.latency_days())
    turned = await add_rows(tx, SESSION, deltas.session_days())
    await add_rows(tx, ACCOUNT, account_days(deltas, turned))
    await tx.driver.execute(NEXT_VERSION, tx.account, now)


async def add_rows(tx: Tx, rollup: Rollup, rows: dict[tuple[Any, ...], list[int]]) -> list[Any]:
    if not rows:
        return []
    columns = [*zip(*rows, strict=True), *zip(*rows.values(), strict=True)]
    found: list[Any] = await tx.driver.fetch(rollup.add, tx.account, *columns)
    return found


async def add_histograms(tx: Tx, rows: dict[tuple[Any, ...], list[int]]) -> None:
    if rows:
        written = ["{" + ",".join(map(str, histogram)) + "}" for histogram in rows.values()]
        await tx.driver.execute(ADD_HISTOGRAMS, tx.account, *zip(*rows, strict=True), written)


def account_days(deltas: Deltas, turned: Iterable[Any]) -> dict[tuple[Any, ...], list[int]]:
    """Sessions created, and sessions that became or ceased to be active."""
    rows: dict[tuple[Any, ...], list[int]] = {(day,): [n, 0] for day, n in deltas.created.items()}
    for row in turned:
        rows.setdefault((row["day"],), [0, 0])[1] += row["active"]
    return {key: rows[key] for key in sorted(rows) if any(rows[key])}
