"""GET /api/v1/me/stats/sessions: the caller's sessions, and the logs of theirs that nobody has read yet."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from asyncpg import Record
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.auth.caller import CallerTx, ViewerTx
from app.auth.guard import GuardedRoute
from app.web.paging import Cursors, PageQuery
from app.web.plain import answer
from app.web.problems import Unprocessable
from app.web.schema import LATEST, Instant, dollars

router = APIRouter(prefix="/api/v1/me/stats", tags=["me"], route_class=GuardedRoute)
Key = tuple[datetime, UUID]
FIRST: Key = (LATEST, UUID(int=0))
cursors: Cursors[Key] = Cursors("me/stats/sessions", Key)
FURTHEST = 100_000
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
COUNTS = ("user_messages", "assistant_messages", "tool_calls", "tool_errors", *TOKENS)
# A log that waits to be read and tells of no session yet: a log that was read before and has grown since is one
# of its sessions, which then say so themselves. OFFSET 0: each is looked up by itself, few as they are.
WAITING = """
    transcripts AS t WHERE t.account_id = $1 AND t.user_id = $2 AND t.processed_at IS NULL AND NOT EXISTS (
        SELECT FROM transcript_sessions AS l
        CROSS JOIN LATERAL (
            SELECT user_id FROM ai_sessions WHERE account_id = $1 AND id = l.session_id OFFSET 0
        ) AS s
        WHERE l.account_id = $1 AND l.transcript_id = t.id AND s.user_id = $2 OFFSET 0)
"""
TOTAL = f"""
    SELECT (SELECT count(*) FROM ai_sessions WHERE account_id = $1 AND user_id = $2) + (SELECT count(*) FROM {WAITING})
"""
# By key, whatever the planner knows of an account (OFFSET 0): else it may read all that a member has for each row.
# Keys alone first, from both, merged: what stands on a page is looked up only once it is known to.
PAGE = f"""
    WITH listed AS MATERIALIZED (
        SELECT at, id, counted FROM (
            (SELECT created_at AS at, id, true AS counted FROM ai_sessions
                WHERE account_id = $1 AND user_id = $2 AND (created_at, id) < ($3, $4)
                ORDER BY created_at DESC, id DESC LIMIT $5::bigint + $6::bigint)
            UNION ALL
            (SELECT t.uploaded_at, t.id, false FROM {WAITING} AND (t.uploaded_at, t.id) < ($3, $4)
                ORDER BY t.uploaded_at DESC, t.id DESC LIMIT $5::bigint + $6::bigint)
        ) AS both_of_them ORDER BY at DESC, id DESC LIMIT $5 OFFSET $6
    )
    SELECT {", ".join(f"s.{name}" for name in COUNTS)}, listed.at, listed.id, listed.counted, s.external_id,
        s.created_at, s.first_activity_at, s.last_activity_at, s.active_us, s.model, s.models::text AS models,
        s.cost_micros, s.unpriced_messages, coalesce(log.name, f.name) AS session_file, f.is_read
    FROM listed
    LEFT JOIN ai_sessions AS s ON s.account_id = $1 AND s.id = listed.id AND listed.counted
    LEFT JOIN transcripts AS log ON log.account_id = $1 AND log.id = listed.id AND NOT listed.counted
    LEFT JOIN LATERAL (
        SELECT (array_agg(t.name ORDER BY t.name ~ '(^|/)agent-[^/]*$', length(t.name), t.name))[1] AS name,
            bool_and(t.processed_at IS NOT NULL) AS is_read
        FROM transcript_sessions AS l
        CROSS JOIN LATERAL (
            SELECT name, processed_at, user_id FROM transcripts WHERE account_id = $1 AND id = l.transcript_id OFFSET 0
        ) AS t
        WHERE l.account_id = $1 AND l.session_id = listed.id AND listed.counted AND t.user_id = $2
    ) AS f ON true
    ORDER BY listed.at DESC, listed.id DESC
"""


class OwnSessionQuery(PageQuery):
    offset: Annotated[
        int, Field(ge=0, le=FURTHEST, description=f"Rows to skip, up to {FURTHEST:,}; instead of `cursor`.")
    ] = 0


class OwnSession(BaseModel):
    """Of a log that nobody has read yet only its name and when it came are known: the rest is null."""

    session_id: UUID | None
    external_id: str | None = Field(description="The producer's own id.")
    session_file: str | None = Field(description="The log that tells of it; null when it came in by other doors.")
    started_at: Instant = Field(description="Of a log that waits: when it was uploaded.")
    ended_at: Instant | None = Field(description="The last message.")
    active_seconds: float | None = Field(description="Without pauses of more than ten minutes.")
    wall_seconds: float | None = Field(description="From the start to the last message.")
    user_messages: int | None
    assistant_messages: int | None
    tool_calls: int | None
    tool_errors: int | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_creation_tokens: int | None
    tokens_total: int | None
    primary_model: str | None = Field(description="The model of most messages; of equals the first in the alphabet.")
    cost_usd: str | None = Field(description="US dollars; null when nothing that was used has a known price.")
    processed: bool = Field(description="False while a log of it waits to be read: what is shown is not all yet.")


class OwnSessions(BaseModel):
    rows: list[OwnSession] = Field(description="Newest `started_at` first.")
    total: int
    limit: int
    offset: int
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


@router.get("/sessions", response_model=OwnSessions)
async def read_my_sessions(tx: ViewerTx, asked: Annotated[OwnSessionQuery, Query()]) -> Response:
    """The caller's own sessions with their totals; uploaded logs that wait to be read are listed among them."""
    if asked.cursor and asked.offset:
        raise Unprocessable("Give a cursor or an offset, not both: a cursor knows where it goes on.")
    return answer(await sessions(tx, asked))


async def sessions(tx: CallerTx, asked: OwnSessionQuery) -> dict[str, Any]:
    own = tx.account, tx.caller.id
    after = cursors.read(tx.caller.id, asked.cursor) or FIRST
    found = await tx.driver.fetch(PAGE, *own, *after, asked.limit + 1, asked.offset)
    page = cursors.page(tx.caller.id, found, asked.limit, lambda row: (row["at"], row["id"]))
    return {
        "rows": [line(row) if row["counted"] else waiting(row) for row in page.rows],
        "total": await tx.driver.fetchval(TOTAL, *own),
        "limit": asked.limit,
        "offset": asked.offset,
        "next_cursor": page.next_cursor,
    }


def line(row: Record) -> dict[str, Any]:
    """A row as answers show it."""
    started, ended, micros = row["created_at"], row["last_activity_at"], row["cost_micros"]
    counts = row[: len(COUNTS)]  # they lead the row
    return {
        "session_id": row["id"],
        "external_id": row["external_id"],
        "session_file": row["session_file"],
        "started_at": started,
        "ended_at": ended,
        "active_seconds": row["active_us"] / 1_000_000,
        "wall_seconds": (ended - min(started, row["first_activity_at"])).total_seconds() if ended else 0.0,
        **dict(zip(COUNTS, counts, strict=True)),
        "tokens_total": sum(counts[-len(TOKENS) :]),
        "primary_model": primary(row["models"]) or row["model"],
        "cost_usd": None if row["unpriced_messages"] and not micros else dollars(micros),
        "processed": row["is_read"] is not False,
    }


def waiting(row: Record) -> dict[str, Any]:
    unknown = dict.fromkeys(OwnSession.model_fields)
    return unknown | {"session_file": row["session_file"], "started_at": row["at"], "processed": False}


def primary(models: str) -> str | None:
    """Most sessions are of one model or none."""
    counts: dict[str, int] = orjson.loads(models)
    return min(counts, key=lambda model: (-counts[model], model)) if len(counts) > 1 else next(iter(counts), None)
