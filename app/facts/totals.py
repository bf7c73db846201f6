"""The totals that stand on a session: what belongs to it, what it cost, how long it was active."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
TIMES = """
    SELECT session_id, created_at FROM messages
    WHERE account_id = $1 AND session_id = ANY ($2) ORDER BY session_id, created_at
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


async def add(tx: Tx, changes: Mapping[UUID, SessionChange]) -> None:
    """Bring the totals of the changed sessions up to date.

    Their rows are locked first, in order: what is read afterwards includes everything that committed before, so
    the last of two writers sees both.
    """
    if not changes:
        return
    stored = {row["id"]: row for row in await tx.driver.fetch(LOCKED, tx.account, list(changes))}
    following = {id_: appended(stored[id_], changes[id_]) for id_ in stored}
    times = await times_of(tx, [id_ for id_, known in following.items() if known is None])
    times |= {id_: known for id_, known in following.items() if known is not None}
    rows = [total(stored[id_], changes[id_], times.get(id_, [])) for id_ in stored]
    await tx.driver.execute(UPDATE, tx.account, *zip(*rows, strict=True))


def appended(stored: Any, change: SessionChange) -> list[datetime] | None:
    """The instants that decide when messages only follow what was there, as they nearly always do.

    None where one came earlier or went: then all of the session's count.
    """
    last = stored["last_activity_at"]
    came = sorted(change.came)
    if change.went or (came and last is not None and came[0] < last):
        return None
    return came if last is None else [last, *came]


async def times_of(tx: Tx, sessions: Sequence[UUID]) -> dict[UUID, list[datetime]]:
    found: dict[UUID, list[datetime]] = {}
    if sessions:
        for row in await tx.driver.fetch(TIMES, tx.account, sessions):
            found.setdefault(row["session_id"], []).append(row["created_at"])
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
