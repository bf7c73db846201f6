"""GET /api/v1/analytics/tools: which tools agents called, how fast they were, how often they failed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Annotated, Any

from asyncpg import Record
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Double, any_, bindparam, cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid
from starlette.responses import Response

from app.analytics.counts import ACCOUNT, LATENCIES, NONE, PIECES, label, spans, total
from app.analytics.cut import Cut, by_window, uncut
from app.analytics.parameters import Compare, Members, WindowQuery
from app.analytics.percentiles import BUCKETS, THRESHOLDS, Histogram
from app.analytics.reports import ANSWERS, Asked, Dated, ErrorRate, Span, routes
from app.analytics.sums import average, named_times, percentage
from app.analytics.window import Window
from app.auth.caller import EngineerTx
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.tool_call import ToolCall
from app.models.tool_day import ToolDay

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
async def read_tools(tx: EngineerTx, asking: Asked, asked: Annotated[ToolQuery, Query()]) -> Response:
    """Every tool's calls: how many, their durations and errors. A call counts when it started."""
    window = asking.window(tx, asked)
    return await asking.answer(tx, window, partial(tools, tx, window, asked.user_id, compare=bool(asked.compare)))


@dataclass
class Calls:
    """One tool's."""

    numbers: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    histogram: Histogram = field(default_factory=Histogram)

    def add(self, numbers: Iterable[int]) -> None:
        self.numbers = [a + b for a, b in zip(self.numbers, numbers, strict=True)]

    def line(self, name: str) -> dict[str, Any]:
        calls, errors, timed, duration = self.numbers
        return {
            "name": name,
            "call_count": calls,
            "error_count": errors,
            "error_rate": percentage(errors, calls),
            **named_times("duration_ms", average(duration, timed), self.histogram),
        }


async def tools(tx: Tx, window: Window, users: Sequence[object], *, compare: bool) -> dict[str, Any]:
    found = await calls(tx, window, users)
    lines = [of_tool.line(name) for name, of_tool in found.items()]
    report = totals(found) | {"tools": sorted(lines, key=lambda line: (-line["call_count"], line["name"]))}
    if compare:
        before = window.previous
        report["previous"] = before.shown | totals(await calls(tx, before, users))
    return report


def totals(found: dict[str, Calls]) -> dict[str, Any]:
    return {"total_calls": sum(of_tool.numbers[0] for of_tool in found.values())}


BY_ROLLUP = Prepared(
    select(
        ToolDay.name,
        total(ToolDay.calls),
        total(ToolDay.errors),
        total(ToolDay.timed),
        total(ToolDay.duration_ms),
    )
    .where(ToolDay.account_id == ACCOUNT, ToolDay.day.between(bindparam("first"), bindparam("last")))
    .group_by(ToolDay.name)
)
SLOT = func.width_bucket(cast(ToolCall.duration_ms, Double), bindparam("thresholds", THRESHOLDS, type_=ARRAY(Double())))


@cache
def by_facts(*, of_members: bool) -> Prepared:
    name = func.coalesce(ToolCall.name, NONE)
    failed, timed = func.count().filter(ToolCall.is_error), func.count(ToolCall.duration_ms)
    within = ToolCall.occurred_at >= PIECES.c.low, ToolCall.occurred_at < PIECES.c.high
    chosen = [ToolCall.user_id == any_(bindparam("users", type_=ARRAY(Uuid())))] if of_members else []
    inner = (
        select(name, SLOT, func.count(), failed, timed, total(ToolCall.duration_ms))
        .where(ToolCall.account_id == ACCOUNT, *within, *chosen)
        .group_by(name, SLOT)
        .correlate(PIECES)
        .lateral()
    )
    return Prepared(select(PIECES.c.n, *inner.c).join_from(PIECES, inner, true()))


async def calls(tx: Tx, window: Window, users: Sequence[object]) -> dict[str, Calls]:
    found: defaultdict[str, Calls] = defaultdict(Calls)
    cut = uncut(window) if users else by_window(window)
    if cut.whole:
        days = {"first": cut.whole[0], "last": cut.whole[1]}
        for row in await BY_ROLLUP.all(tx, **days):
            found[label(row[0])].add(row[1:])
        for row in await LATENCIES.all(tx, subject="tool", **days):
            found[label(row[0])].histogram.add_sent(row[1])
    if cut.signed:
        values = {"users": users} if users else {}
        pieces = [piece for piece, _ in cut.signed]
        add(found, cut, await by_facts(of_members=bool(users)).all(tx, **spans(pieces), **values))
    return {name: of_tool for name, of_tool in found.items() if of_tool.numbers[0]}


def add(found: defaultdict[str, Calls], cut: Cut, rows: Iterable[Record]) -> None:
    for row in rows:
        _, sign = cut.signed[row[0] - 1]
        of_tool = found[label(row[1])]
        of_tool.add([sign * number for number in row[3:]])
        if row[2] is not None:
            of_tool.histogram.add(BUCKETS[row[2]], sign * row[3])
