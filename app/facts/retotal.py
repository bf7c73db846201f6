"""The totals on sessions, counted again from their messages and tool calls.

Each table is read once a call, whatever the plan (MATERIALIZED): for an account the planner has no statistics of it
may take an index that finds all of the account's rows, and session by session that would be done for each.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.engine import Tx
from app.facts.recount import Difference
from app.facts.totals import SUMS

NAMES = [*SUMS, "models", "first_activity_at", "last_activity_at"]
TYPES = [*["bigint"] * len(SUMS), "text", "timestamptz", "timestamptz"]
CHOSEN = """
    SELECT id FROM ai_sessions WHERE account_id = $1 AND id > $2
    AND ($3::timestamptz IS NULL OR coalesce(first_activity_at, created_at) >= $3) ORDER BY id LIMIT $4
"""
SHOWN = ", ".join("models::text AS models" if name == "models" else name for name in NAMES)
STORED = f"SELECT id, {SHOWN} FROM ai_sessions WHERE account_id = $1 AND id = ANY ($2)"
COUNTED = f"""
    WITH paused AS (
        SELECT *, created_at - lag(created_at) OVER (PARTITION BY session_id ORDER BY created_at) AS pause
        FROM messages WHERE account_id = $1 AND session_id = ANY ($2)
    ),
    told AS MATERIALIZED (
        SELECT session_id, count(*) FILTER (WHERE role = 'user') AS user_messages,
            count(*) FILTER (WHERE role = 'assistant') AS assistant_messages,
            count(*) FILTER (WHERE role NOT IN ('user', 'assistant')) AS other_messages,
            count(*) FILTER (WHERE is_error) AS error_count,
            sum(input_tokens)::bigint AS input_tokens,
            sum(output_tokens)::bigint AS output_tokens,
            sum(cache_read_tokens)::bigint AS cache_read_tokens,
            sum(cache_creation_tokens)::bigint AS cache_creation_tokens,
            sum(cost_micros)::bigint AS cost_micros,
            count(*) FILTER (WHERE cost_micros IS NULL) AS unpriced_messages,
            (sum(EXTRACT(epoch FROM pause) * 1000000) FILTER (WHERE pause <= '600 s'))::bigint AS active_us,
            min(created_at) AS first_activity_at, max(created_at) AS last_activity_at
        FROM paused GROUP BY session_id
    ),
    called AS MATERIALIZED (
        SELECT session_id, count(*) AS tool_calls, count(*) FILTER (WHERE is_error) AS tool_errors
        FROM tool_calls WHERE account_id = $1 AND session_id = ANY ($2) GROUP BY session_id
    ),
    named AS MATERIALIZED (
        SELECT session_id, jsonb_object_agg(model_id, n) AS models FROM (
            SELECT session_id, model_id, count(*) AS n FROM messages
            WHERE account_id = $1 AND session_id = ANY ($2) AND model_id IS NOT NULL GROUP BY session_id, model_id
        ) AS by_model GROUP BY session_id
    )
    SELECT s.id, {", ".join(f"coalesce({name}, 0) AS {name}" for name in SUMS)},
        coalesce(models, '{{}}')::text AS models, first_activity_at, last_activity_at
    FROM unnest($2::uuid[]) AS s (id) LEFT JOIN told ON told.session_id = s.id
    LEFT JOIN called ON called.session_id = s.id LEFT JOIN named ON named.session_id = s.id
"""
REPLACE = f"""
    UPDATE ai_sessions AS s
    SET {", ".join(f"{name} = t.{name}{'::jsonb' if name == 'models' else ''}" for name in NAMES)}
    FROM unnest($2::uuid[], {", ".join(f"${i}::{kind}[]" for i, kind in enumerate(TYPES, 3))})
        AS t (id, {", ".join(NAMES)})
    WHERE s.account_id = $1 AND s.id = t.id
"""


async def sessions_after(tx: Tx, last: UUID, facts_from: datetime | None, limit: int) -> list[UUID]:
    """The next sessions, by id, all of whose facts are there."""
    return [row["id"] for row in await tx.driver.fetch(CHOSEN, tx.account, last, facts_from, limit)]


async def different(tx: Tx, sessions: Sequence[UUID]) -> list[tuple[Any, Any]]:
    """Stored and counted totals of the sessions where they differ."""
    stored = {row["id"]: row for row in await tx.driver.fetch(STORED, tx.account, sessions)}
    counted = await tx.driver.fetch(COUNTED, tx.account, sessions)
    return [(stored[row["id"]], row) for row in counted if row["id"] in stored and stored[row["id"]] != row]


async def compare(tx: Tx, sessions: Sequence[UUID]) -> list[Difference]:
    """Sessions whose totals are not what their facts say; only the numbers that differ are named."""
    found = []
    for stored, counted in await different(tx, sessions):
        wrong = [name for name in NAMES if stored[name] != counted[name]]
        said, are = (tuple(f"{name}={row[name]}" for name in wrong) for row in (stored, counted))
        found.append(Difference("ai_sessions", (stored["id"],), said, are))
    return found


async def replace(tx: Tx, sessions: Sequence[UUID]) -> None:
    """Count these sessions anew. The caller holds the account's facts alone."""
    rows = [tuple(counted) for _, counted in await different(tx, sessions)]
    if rows:
        await tx.driver.execute(REPLACE, tx.account, *zip(*rows, strict=True))
