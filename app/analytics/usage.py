"""GET /api/v1/analytics/usage: how much was done, in all and day by day."""

from collections.abc import Mapping
from datetime import date
from functools import cache, partial
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, func, select
from starlette.responses import Response

from app.analytics.counts import ACCOUNT, FACTS, WITHIN, Filters, bounds, count, total
from app.analytics.parameters import ReportQuery
from app.analytics.reports import ANSWERS, Asked, Dated, Dollars, Span, routes
from app.analytics.sums import Sums, added
from app.analytics.window import Window
from app.auth.caller import EngineerTx
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.account_day import AccountDay
from app.models.ai_session import AISession
from app.models.message import Message

router = routes()


class UsageDay(BaseModel):
    date: date
    messages: int
    tokens: int
    sessions: int = Field(description="Different sessions with a message that day.")
    error_count: int
    cost_usd: Dollars


class UsageTotals(BaseModel):
    total_messages: int = Field(description="Messages of every role.")
    total_tokens: int = Field(description="Input, output, cache read and cache creation, which are disjoint.")
    total_sessions: int = Field(
        description="Sessions created in the window; with the filter agent or model, those of them with a matching"
        " message in the window."
    )
    avg_response_time_ms: float | None = Field(description="Of messages whose time is known; null if there are none.")
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    error_count: int
    cost_usd: Dollars
    unpriced_messages: int = Field(description="Messages that used tokens and have no known price: cost lacks them.")


class PreviousUsage(UsageTotals, Span):
    """The window before."""


class UsageReport(UsageTotals, Dated):
    daily_usage: list[UsageDay] = Field(description="Every local day of the window, ascending.")
    previous: PreviousUsage | None = Field(default=None, description="Only with `compare=previous`.")


@router.get("/usage", response_model=UsageReport, responses=ANSWERS)
async def read_usage(tx: EngineerTx, asking: Asked, asked: Annotated[ReportQuery, Query()]) -> Response:
    """Messages, tokens, sessions, errors and cost of a window, and of each of its days."""
    window, filters = asking.window(tx, asked), Filters.of(asked)
    return await asking.answer(tx, window, partial(usage, tx, window, filters, compare=bool(asked.compare)))


async def usage(tx: Tx, window: Window, filters: Filters, *, compare: bool) -> dict[str, Any]:
    days = await count(tx, window, filters, "day")
    sessions = await active_sessions(tx, window, filters)
    nothing = Sums()
    report = await totals(tx, window, filters, days)
    report["daily_usage"] = [line(day, days.get(day, nothing), sessions.get(day, 0)) for day in window.days]
    if compare:
        before = window.previous
        report["previous"] = before.shown | await totals(tx, before, filters, await count(tx, before, filters, "day"))
    return report


def line(day: date, sums: Sums, sessions: int) -> dict[str, Any]:
    return {
        "date": day,
        "messages": sums.messages,
        "tokens": sums.tokens,
        "sessions": sessions,
        "error_count": sums.errors,
        "cost_usd": sums.cost,
    }


async def totals(tx: Tx, window: Window, filters: Filters, days: Mapping[date, Sums]) -> dict[str, Any]:
    """Summed over the days, so that these are never anything else than their sum."""
    sums = added(days.values())
    given, made, read, written = sums.classes
    return {
        "total_messages": sums.messages,
        "total_tokens": sums.tokens,
        "total_sessions": await created_sessions(tx, window, filters),
        "avg_response_time_ms": sums.average,
        "input_tokens": given,
        "output_tokens": made,
        "cache_read_tokens": read,
        "cache_creation_tokens": written,
        "error_count": sums.errors,
        "cost_usd": sums.cost,
        "unpriced_messages": sums.unpriced,
    }


WHOLE_DAYS = AccountDay.account_id == ACCOUNT, AccountDay.day.between(bindparam("first"), bindparam("last"))
CREATED_BY_ROLLUP = Prepared(select(total(AccountDay.sessions_created)).where(*WHOLE_DAYS))
ACTIVE_BY_ROLLUP = Prepared(select(AccountDay.day, AccountDay.sessions_active).where(*WHOLE_DAYS))
CREATED_WITHIN = (
    AISession.account_id == ACCOUNT,
    AISession.created_at >= bindparam("low", type_=DateTime(timezone=True)),
    AISession.created_at < bindparam("high", type_=DateTime(timezone=True)),
)


@cache
def sessions_by_facts(given: frozenset[str]) -> Prepared:
    """Different sessions with a matching message, a day."""
    seen = (
        select(FACTS.columns["day"].label("day"), Message.session_id)
        .where(Message.account_id == ACCOUNT, *WITHIN, *FACTS.matching(given))
        .distinct()
        .subquery()
    )
    return Prepared(select(seen.c.day, func.count()).group_by(seen.c.day))


@cache
def created_by_facts(given: frozenset[str]) -> Prepared:
    """Sessions created in a stretch; of the members asked for; with a message of the agents and models asked for."""
    created = select(func.count()).select_from(AISession).where(*CREATED_WITHIN)
    if "user" in given:
        created = created.where(AISession.user_id == any_(bindparam("user", type_=ARRAY(Uuid()))))
    if given & {"agent", "model"}:
        seen = select(Message.session_id).where(Message.account_id == ACCOUNT, *WITHIN, *FACTS.matching(given))
        created = created.where(AISession.id.in_(seen))
    return Prepared(created)


async def active_sessions(tx: Tx, window: Window, filters: Filters) -> dict[date, int]:
    cut = window.uncut if filters.given else window.cut
    found: dict[date, int] = {}
    if cut.whole:
        first, last = cut.whole
        found.update([tuple(row) for row in await ACTIVE_BY_ROLLUP.all(tx, first=first, last=last)])
    for stretch in cut.stretches:
        for row in await sessions_by_facts(filters.given).all(tx, **bounds(stretch), **filters.values):
            found[stretch.days[row[0] - 1]] = row[1]
    return found


async def created_sessions(tx: Tx, window: Window, filters: Filters) -> int:
    cut = window.uncut if filters.given else window.cut
    n = 0
    if cut.whole:
        first, last = cut.whole
        row = await CREATED_BY_ROLLUP.one(tx, first=first, last=last)
        n = row[0] if row else 0
    for stretch in cut.stretches:
        row = await created_by_facts(filters.given).one(tx, **bounds(stretch), **filters.values)
        n += row[0] if row else 0
    return n
