"""GET /api/v1/analytics/tools: which tools agents called, how fast they were, how often they failed."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Double, any_, bindparam, cast, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid
from starlette.responses import Response

from app.analytics.counts import add_names, count_whole_days, spans
from app.analytics.cut import by_window, entire
from app.analytics.parameters import Compare, Members, WindowQuery
from app.analytics.percentiles import THRESHOLDS
from app.analytics.reports import ANSWERS, Asked, Dated, ErrorRate, Span, routes
from app.analytics.sources import ACCOUNT, EVERYTHING, NONE, PIECES, total
from app.analytics.sums import NUMBERS, Sums
from app.analytics.window import Window
from app.auth.caller import EngineerTagged
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.tool_call import ToolCall

router = routes()


class ToolQuery(Compare, Members, WindowQuery):
    """Tool calls name no agent and no model, so these cannot be asked for."""


class ToolUsage(BaseModel):
    name: str = Field(description="`unknown` stands for calls that name no tool.")
    call_count: int
    error_count: int
    error_rate: ErrorRate
    avg_duration_ms: float | None = Field(description="Of calls whose duration is known; null if there are none.")
    p50_duration_ms: float | None = Field(
        description="Nearest-rank percentile, at most 1 % from exact; up to a millisecond counts as one."
    )
    p95_duration_ms: float | None
    p99_duration_ms: float | None


class ToolTotals(BaseModel):
    total_calls: int


class PreviousTools(ToolTotals, Span):
    """The window before."""


class ToolReport(ToolTotals, Dated):
    tools: list[ToolUsage] = Field(description="Most called first, then by name.")
    previous: PreviousTools | None = Field(default=None, description="Only with `compare=previous`.")


@router.get("/tools", response_model=ToolReport, responses=ANSWERS)
async def read_tools(tx: EngineerTagged, asking: Asked, asked: Annotated[ToolQuery, Query()]) -> Response:
    """Every tool's calls: how many, their durations and errors. A call counts when it started."""
    window = asking.window(tx, asked)
    return await asking.answer(tx, window, partial(tools, tx, window, asked.user_id, compare=bool(asked.compare)))


def line(name: str, sums: Sums) -> dict[str, Any]:
    return {
        "name": name,
        "call_count": sums.messages,
        "error_count": sums.errors,
        "error_rate": sums.error_rate,
        **sums.times("duration_ms"),
    }


async def tools(tx: Tx, window: Window, users: Sequence[object], *, compare: bool) -> dict[str, Any]:
    found = await calls(tx, window, users)
    lines = [line(name, sums) for name, sums in found.items()]
    report = totals(found) | {"tools": sorted(lines, key=lambda line: (-line["call_count"], line["name"]))}
    if compare:
        before = window.previous
        report["previous"] = before.shown | totals(await calls(tx, before, users))
    return report


def totals(found: dict[str, Sums]) -> dict[str, Any]:
    return {"total_calls": sum(sums.messages for sums in found.values())}


SLOT = func.width_bucket(cast(ToolCall.duration_ms, Double), bindparam("thresholds", THRESHOLDS, type_=ARRAY(Double())))


@cache
def by_facts(*, of_members: bool) -> Prepared:
    name = func.coalesce(ToolCall.name, NONE)
    counted = {
        "messages": func.count(),
        "errors": func.count().filter(ToolCall.is_error),
        "timed": func.count(ToolCall.duration_ms),
        "response_ms": total(ToolCall.duration_ms),
    }
    # In the order that messages are counted in; calls use no tokens and cost nothing.
    numbers = [counted.get(name, literal_column("0")).label(name) for name in NUMBERS]
    within = ToolCall.occurred_at >= PIECES.c.low, ToolCall.occurred_at < PIECES.c.high
    chosen = [ToolCall.user_id == any_(bindparam("users", type_=ARRAY(Uuid())))] if of_members else []
    inner = (
        select(name, SLOT, *numbers)
        .where(ToolCall.account_id == ACCOUNT, *within, *chosen)
        .group_by(name, SLOT)
        .correlate(PIECES)
        .lateral()
    )
    return Prepared(select(PIECES.c.n, *inner.c).join_from(PIECES, inner, true()))


async def calls(tx: Tx, window: Window, users: Sequence[object]) -> dict[str, Sums]:
    """By tool. Whose session a call belongs to no rollup knows."""
    cut = entire(window) if users else by_window(window)
    found = await count_whole_days(tx, cut, EVERYTHING, "tool")
    if cut.signed:
        values = {"users": users} if users else {}
        pieces = [piece for piece, _ in cut.signed]
        add_names(found, cut, await by_facts(of_members=bool(users)).all(tx, **spans(pieces), **values))
    return {name: sums for name, sums in found.items() if sums.messages}
