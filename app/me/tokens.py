"""GET /api/v1/me/stats/tokens: what the caller used, day by day and in all."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from asyncpg import Record
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.auth.caller import CallerTx, ViewerTx
from app.auth.guard import GuardedRoute
from app.facts.calendar import Calendar
from app.me.sessions import TOKENS, primary
from app.models.ai_session import ALL_TOKENS
from app.web.plain import answer
from app.web.schema import Instant, dollars

router = APIRouter(prefix="/api/v1/me/stats", tags=["me"], route_class=GuardedRoute)
A_DAY = timedelta(days=1)
TOP = 10
UNKNOWN = "unknown"
CLASSES = [name.removesuffix("_tokens") for name in TOKENS]
SUMS = ", ".join(f"sum({name})::bigint AS {name}" for name in TOKENS)
DAYS = f"""
    SELECT day, {SUMS} FROM member_days WHERE account_id = $1 AND user_id = $2 AND day BETWEEN $3 AND $4 GROUP BY day
"""
MODELS = f"""
    SELECT coalesce(nullif(model_id, ''), '{UNKNOWN}') AS model, {SUMS}, sum(messages)::bigint AS messages,
        sum(cost_micros)::bigint AS cost, sum(unpriced)::bigint AS unpriced
    FROM member_days WHERE account_id = $1 AND user_id = $2 GROUP BY 1 HAVING sum(messages) > 0
"""
# $3: the first instant of each day and of the one after the last; $4: the first day. A session was active on the day
# of its first message and on that of its last; of the days between, which are few, only the rollup can say.
ACTIVE = """
    WITH spans AS MATERIALIZED (
        SELECT low, high, count(*) AS sessions, array_agg(id) FILTER (WHERE high > low + 1) AS ids
        FROM (
            SELECT id, width_bucket(first_activity_at, $3::timestamptz[]) AS low,
                width_bucket(last_activity_at, $3::timestamptz[]) AS high
            FROM ai_sessions
            WHERE account_id = $1 AND user_id = $2 AND last_activity_at >= ($3::timestamptz[])[1] OFFSET 0
        ) AS own GROUP BY low, high
    )
    SELECT $4::date + day - 1 AS day, sum(sessions)::bigint AS sessions
    FROM (
        SELECT low AS day, sessions FROM spans
        UNION ALL
        SELECT high, sessions FROM spans WHERE high > low
        UNION ALL
        SELECT b.day, count(*) FROM spans
        CROSS JOIN LATERAL generate_series(greatest(low + 1, 1), least(high, cardinality($3::timestamptz[])) - 1)
            AS b (day)
        CROSS JOIN LATERAL unnest(ids) AS s (id)
        CROSS JOIN LATERAL (
            SELECT FROM session_days
            WHERE account_id = $1 AND day = $4::date + b.day - 1 AND session_id = s.id AND messages > 0 OFFSET 0
        ) AS said GROUP BY b.day
    ) AS found WHERE day BETWEEN 1 AND cardinality($3::timestamptz[]) - 1 GROUP BY day
"""
# Those whose facts are no longer kept as well, as their tokens are; and what comes next is planned for this member: a
# plan for any member at all takes them for one of few sessions, and would sort all there are.
SESSIONS = """
    SELECT coalesce(sum(sessions_created), 0)::bigint AS sessions,
        set_config('plan_cache_mode', 'force_custom_plan', true)
    FROM subject_days WHERE account_id = $1 AND subject = 'member' AND name = $2::uuid::text
"""
LARGEST = f"""
    SELECT id, external_id, created_at, {", ".join(TOKENS)}, {ALL_TOKENS} AS total, model, models::text AS models,
        cost_micros AS cost, unpriced_messages AS unpriced
    FROM ai_sessions WHERE account_id = $1 AND user_id = $2 AND {ALL_TOKENS} > 0
    ORDER BY {ALL_TOKENS} DESC, id DESC LIMIT {TOP}
"""


class TokenQuery(BaseModel, extra="forbid"):
    days: Annotated[int, Field(ge=1, le=365, description="Local days up to and including today, 1 to 365.")] = 30


class Tokens(BaseModel):
    input: int
    output: int
    cache_read: int
    cache_creation: int
    total: int = Field(description="The four added up.")


Cost = Annotated[str | None, Field(description="US dollars; null when nothing that was used has a known price.")]


class TokenDay(Tokens):
    day: date
    sessions: int = Field(description="Different sessions with a message that day.")


class ModelTokens(Tokens):
    model: str = Field(description="`unknown`: messages that name none.")
    messages: int
    cost_usd: Cost


class TopSession(Tokens):
    session_id: UUID
    external_id: str | None
    started_at: Instant
    primary_model: str | None
    cost_usd: Cost


class LifetimeTokens(Tokens):
    sessions: int
    cost_usd: Cost
    unpriced_messages: int = Field(description="Messages that used tokens and have no known price: cost lacks them.")


class OwnTokens(BaseModel):
    days: int
    timezone: str = Field(description="The account's zone, whose days these are.")
    daily: list[TokenDay] = Field(description="Every one of these days, ascending, zeros where nothing happened.")
    by_model: list[ModelTokens] = Field(description="Since ever, by the model of each message; most tokens first.")
    top_sessions: list[TopSession] = Field(description="Since ever, most tokens first, at most ten.")
    totals: LifetimeTokens = Field(description="Since ever.")


@router.get("/tokens", response_model=OwnTokens)
async def read_my_tokens(tx: ViewerTx, asked: Annotated[TokenQuery, Query()]) -> Response:
    """The caller's own tokens: by local day, by model, of the largest sessions, and in all."""
    return answer(await tokens(tx, asked.days, datetime.now(UTC)))


async def tokens(tx: CallerTx, length: int, now: datetime) -> dict[str, Any]:
    own = tx.account, tx.caller.id
    days, starts = last_days(tx.caller.timezone, Calendar(tx.caller.timezone).day(now), length)
    models = await tx.driver.fetch(MODELS, *own)
    return {
        "days": length,
        "timezone": tx.caller.timezone,
        "daily": await daily(tx, days, starts),
        "by_model": [model_line(row) for row in sorted(models, key=lambda row: (-sum(counts(row)), row["model"]))],
        # Before the largest sessions are asked for.
        "totals": totals(models, await tx.driver.fetchval(SESSIONS, *own)),
        "top_sessions": [session_line(row) for row in await tx.driver.fetch(LARGEST, *own)],
    }


@lru_cache(maxsize=100)
def last_days(zone: str, last: date, length: int) -> tuple[Sequence[date], Sequence[datetime]]:
    """So many days up to the last, and the first instant of each and of the one after. The same for all of a zone."""
    calendar = Calendar(zone)
    days = [last - n * A_DAY for n in reversed(range(length))]
    return days, [calendar.start(day) for day in [*days, last + A_DAY]]


async def daily(tx: CallerTx, days: Sequence[date], starts: Sequence[datetime]) -> list[dict[str, Any]]:
    own = tx.account, tx.caller.id
    used = {row["day"]: named(counts(row)) for row in await tx.driver.fetch(DAYS, *own, days[0], days[-1])}
    sessions = await active(tx, days[0], starts)
    nothing = named([0] * len(TOKENS))
    return [{"day": day, **used.get(day, nothing), "sessions": sessions.get(day, 0)} for day in days]


async def active(tx: CallerTx, first: date, starts: Sequence[datetime]) -> dict[date, int]:
    """Different sessions of the caller's with a message, by day."""
    return dict(await tx.driver.fetch(ACTIVE, tx.account, tx.caller.id, starts, first))


def counts(row: Record) -> list[int]:
    return [row[name] for name in TOKENS]


def named(numbers: Sequence[int]) -> dict[str, int]:
    return {**dict(zip(CLASSES, numbers, strict=True)), "total": sum(numbers)}


def cost(micros: int, unpriced: int) -> str | None:
    return None if unpriced and not micros else dollars(micros)


def model_line(row: Record) -> dict[str, Any]:
    return {
        "model": row["model"],
        **named(counts(row)),
        "messages": row["messages"],
        "cost_usd": cost(row["cost"], row["unpriced"]),
    }


def session_line(row: Record) -> dict[str, Any]:
    return {
        "session_id": row["id"],
        "external_id": row["external_id"],
        "started_at": row["created_at"],
        "primary_model": primary(row["models"]) or row["model"],
        **named(counts(row)),
        "cost_usd": cost(row["cost"], row["unpriced"]),
    }


def totals(models: Sequence[Record], sessions: int) -> dict[str, Any]:
    """Summed over the models, so that these are never anything else than their sum."""
    micros, unpriced = (sum(row[name] for row in models) for name in ("cost", "unpriced"))
    return {
        **named([sum(column) for column in zip(*map(counts, models), strict=True)] or [0] * len(TOKENS)),
        "sessions": sessions,
        "cost_usd": cost(micros, unpriced),
        "unpriced_messages": unpriced,
    }
