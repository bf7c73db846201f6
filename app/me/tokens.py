"""GET /api/v1/me/stats/tokens: what the caller used, day by day and in all."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
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
    SELECT model_id, {SUMS}, sum(messages)::bigint AS messages, sum(cost_micros)::bigint AS cost,
        sum(unpriced)::bigint AS unpriced
    FROM member_days WHERE account_id = $1 AND user_id = $2 GROUP BY model_id HAVING sum(messages) > 0
"""
# $3: the first instant of each day and of the one after the last, numbered from one. Most sessions begin and end on one
# day: then that is the day they were active on. Of the others, and of one that only surrounds the day, their ids.
SPANS = """
    SELECT low, high, count(*) AS sessions, array_agg(id) FILTER (WHERE low < high OR NOT ends_inside) AS ids
    FROM (
        SELECT id, greatest(width_bucket(first_activity_at, $3::timestamptz[]), 1) AS low,
            least(width_bucket(last_activity_at, $3::timestamptz[]), cardinality($3::timestamptz[]) - 1) AS high,
            first_activity_at >= ($3::timestamptz[])[1]
                OR last_activity_at < ($3::timestamptz[])[cardinality($3::timestamptz[])] AS ends_inside
        FROM ai_sessions
        WHERE account_id = $1 AND user_id = $2 AND last_activity_at >= ($3::timestamptz[])[1]
    ) AS own WHERE low <= high GROUP BY low, high, ends_inside
"""
SAID = """
    SELECT c.day, count(*) FROM unnest($2::uuid[], $3::date[]) AS c (id, day)
    CROSS JOIN LATERAL (
        SELECT FROM session_days WHERE account_id = $1 AND day = c.day AND session_id = c.id AND messages > 0 OFFSET 0
    ) AS d GROUP BY c.day
"""
SESSIONS = "SELECT count(*) FROM ai_sessions WHERE account_id = $1 AND user_id = $2"
# A plan for any member at all takes them for one of few sessions, and would sort all there are.
FOR_THIS_MEMBER = "SET LOCAL plan_cache_mode = force_custom_plan"
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
    calendar = Calendar(tx.caller.timezone)
    today = calendar.day(now)
    days = [today - n * A_DAY for n in reversed(range(length))]
    models = await tx.driver.fetch(MODELS, *own)
    return {
        "days": length,
        "timezone": tx.caller.timezone,
        "daily": await daily(tx, calendar, days),
        "by_model": [model_line(row) for row in sorted(models, key=lambda row: (-sum(counts(row)), row["model_id"]))],
        "top_sessions": [session_line(row) for row in await largest(tx)],
        "totals": totals(models, await tx.driver.fetchval(SESSIONS, *own)),
    }


async def daily(tx: CallerTx, calendar: Calendar, days: Sequence[date]) -> list[dict[str, Any]]:
    own = tx.account, tx.caller.id
    used = {row["day"]: counts(row) for row in await tx.driver.fetch(DAYS, *own, days[0], days[-1])}
    sessions = await active(tx, calendar, days)
    nothing = [0] * len(TOKENS)
    return [{"day": day, **named(used.get(day, nothing)), "sessions": sessions[day]} for day in days]


async def active(tx: CallerTx, calendar: Calendar, days: Sequence[date]) -> Counter[date]:
    """Different sessions of the caller's with a message, by day."""
    starts = [calendar.start(day) for day in [*days, days[-1] + A_DAY]]
    found: Counter[date] = Counter()
    asked: list[tuple[UUID, date]] = []
    for low, high, sessions, ids in await tx.driver.fetch(SPANS, tx.account, tx.caller.id, starts):
        if ids is None:
            found[days[high - 1]] += sessions
        else:
            asked += [(id_, day) for id_ in ids for day in days[low - 1 : high]]
    if asked:
        found.update(dict(await tx.driver.fetch(SAID, tx.account, *zip(*asked, strict=True))))
    return found


def counts(row: Record) -> list[int]:
    return [row[name] for name in TOKENS]


def named(numbers: Sequence[int]) -> dict[str, int]:
    return {**dict(zip(CLASSES, numbers, strict=True)), "total": sum(numbers)}


def cost(micros: int, unpriced: int) -> str | None:
    return None if unpriced and not micros else dollars(micros)


def model_line(row: Record) -> dict[str, Any]:
    return {
        "model": row["model_id"] or UNKNOWN,
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


async def largest(tx: CallerTx) -> list[Any]:
    await tx.driver.execute(FOR_THIS_MEMBER)
    found: list[Any] = await tx.driver.fetch(LARGEST, tx.account, tx.caller.id)
    return found
