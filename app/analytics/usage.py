"""GET /api/v1/analytics/usage: how much was done, in all and day by day."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.analytics.counts import count
from app.analytics.parameters import ReportQuery
from app.analytics.reports import ANSWERS, Asked, Dated, Dollars, Span, routes
from app.analytics.session_counts import active_and_created, created_sessions
from app.analytics.sources import Filters
from app.analytics.sums import Sums, added, average, cost
from app.analytics.window import Window
from app.auth.caller import EngineerTagged
from app.db.engine import Tx

router = routes()


class UsageDay(BaseModel):
    date: date
    messages: int
    tokens: int
    sessions: int = Field(description="Different sessions with a message that day.")
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    avg_response_time_ms: float | None
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
async def read_usage(tx: EngineerTagged, asking: Asked, asked: Annotated[ReportQuery, Query()]) -> Response:
    """Messages, tokens, sessions, errors and cost of a window, and of each of its days."""
    window, filters = asking.window(tx, asked), Filters.of(asked)
    return await asking.answer(tx, window, partial(usage, tx, window, filters, compare=bool(asked.compare)))


async def usage(tx: Tx, window: Window, filters: Filters, *, compare: bool) -> dict[str, Any]:
    days = await count(tx, window, filters, "day")
    sessions, created = await active_and_created(tx, window, filters)
    nothing = Sums()
    report = totals(days, created)
    report["daily_usage"] = [line(day, days.get(day, nothing), sessions.get(day, 0)) for day in window.days]
    if compare:
        before = window.previous
        created = await created_sessions(tx, before, filters)
        report["previous"] = before.shown | totals(await count(tx, before, filters, "day"), created)
    return report


def line(day: date, sums: Sums, sessions: int) -> dict[str, Any]:
    # Written out: put together from smaller ones, each of a month of lines costs twice as much.
    messages, errors, given, made, read, written, timed, response_ms, micros, unpriced = sums.numbers
    return {
        "date": day,
        "messages": messages,
        "tokens": given + made + read + written,
        "sessions": sessions,
        "input_tokens": given,
        "output_tokens": made,
        "cache_read_tokens": read,
        "cache_creation_tokens": written,
        "avg_response_time_ms": average(response_ms, timed),
        "error_count": errors,
        "cost_usd": cost(micros, unpriced),
    }


def totals(days: Mapping[date, Sums], created: int) -> dict[str, Any]:
    """Summed over the days, so that these are never anything else than their sum."""
    sums = added(days.values())
    given, made, read, written = sums.classes
    return {
        "total_messages": sums.messages,
        "total_tokens": given + made + read + written,
        "total_sessions": created,
        "avg_response_time_ms": sums.average,
        "input_tokens": given,
        "output_tokens": made,
        "cache_read_tokens": read,
        "cache_creation_tokens": written,
        "error_count": sums.errors,
        "cost_usd": sums.cost,
        "unpriced_messages": sums.unpriced,
    }
