"""The totals that stand on a session: what belongs to it, what it cost, how long it was active."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.db.engine import Tx
from app.facts.activity import active_us, before
from app.facts.deltas import SessionChange

LOCKED = """
    SELECT id, models::text AS models, first_activity_at, last_activity_at FROM ai_sessions
    WHERE account_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
# The messages around a change: those between its first and last instant, and one neighbour on either side.
AROUND = """
    SELECT s.id, m.created_at FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS s (id, low, high)
    CROSS JOIN LATERAL (
        (SELECT created_at FROM messages
            WHERE account_id = $1 AND session_id = s.id AND created_at < s.low ORDER BY created_at DESC LIMIT 1)
        UNION ALL
        (SELECT created_at FROM messages
            WHERE account_id = $1 AND session_id = s.id AND created_at BETWEEN s.low AND s.high)
        UNION ALL
        (SELECT created_at FROM messages
            WHERE account_id = $1 AND session_id = s.id AND created_at > s.high ORDER BY created_at LIMIT 1)
    ) AS m
    ORDER BY s.id, m.created_at
"""
SUMS = [
    "user_messages",
    "assistant_messages",
    "other_messages",
    "error_count",
    "tool_calls",
    "tool_errors",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cost_micros",
    "unpriced_messages",
    "active_us",
]
UPDATE = f"""
    UPDATE ai_sessions AS s SET {", ".join(f"{name} = s.{name} + t.{name}" for name in SUMS)},
        models = t.models::jsonb, first_activity_at = t.first, last_activity_at = t.last
    FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[],
        {", ".join(f"${i}::bigint[]" for i in range(6, 6 + len(SUMS)))})
        AS t (id, models, first, last, {", ".join(SUMS)})
    WHERE s.account_id = $1 AND s.id = t.id
"""


async def add(tx: Tx, changes: Mapping[UUID, SessionChange], fresh: Collection[UUID]) -> None:
    """Bring the totals of the changed sessions up to date; those made in this transaction hold nothing else.

    Their rows are locked first, in order: what is read afterwards includes everything that committed before, so
    the last of two writers sees both.
    """
    if not changes:
        return
    stored = {row["id"]: row for row in await tx.driver.fetch(LOCKED, tx.account, list(changes))}
    times = {id_: sorted(changes[id_].came) for id_ in fresh if id_ in changes}
    times |= await around(tx, {id_: change for id_, change in changes.items() if id_ not in fresh})
    rows = [total(stored[id_], changes[id_], times.get(id_, [])) for id_ in stored]
    await tx.driver.execute(UPDATE, tx.account, *zip(*rows, strict=True))


async def around(tx: Tx, changes: Mapping[UUID, SessionChange]) -> dict[UUID, list[datetime]]:
    moved = {id_: [*change.came, *change.went] for id_, change in changes.items() if change.came or change.went}
    if not moved:
        return {}
    bounds = [(id_, min(times), max(times)) for id_, times in moved.items()]
    found: dict[UUID, list[datetime]] = {}
    for row in await tx.driver.fetch(AROUND, tx.account, *zip(*bounds, strict=True)):
        found.setdefault(row["id"], []).append(row["created_at"])
    return found


def total(stored: Any, change: SessionChange, times: Sequence[datetime]) -> tuple[Any, ...]:
    """One row for UPDATE."""
    _, errors, given, made, read, written, _, _, cost, unpriced = change.numbers
    roles = change.by_role
    user, assistant = roles["user"], roles["assistant"]
    active = active_us(times) - active_us(before(times, change.came, change.went))
    first, last = span(stored, change, times)
    models = Counter(orjson.loads(stored["models"]))
    models.update(change.models)
    kept = {model: n for model, n in sorted(models.items()) if n}
    return (
        stored["id"],
        orjson.dumps(kept).decode(),
        first,
        last,
        user,
        assistant,
        roles.total() - user - assistant,
        errors,
        change.calls,
        change.call_errors,
        given,
        made,
        read,
        written,
        cost,
        unpriced,
        active,
    )


def span(stored: Any, change: SessionChange, times: Sequence[datetime]) -> tuple[datetime | None, datetime | None]:
    """First and last activity: an end moves only where the change reached beyond or took it away."""
    first, last = stored["first_activity_at"], stored["last_activity_at"]
    if not (change.came or change.went):
        return first, last
    low, high = min([*change.came, *change.went]), max([*change.came, *change.went])
    if first is None or low <= first:
        first = times[0] if times else None
    if last is None or high >= last:
        last = times[-1] if times else None
    return first, last
