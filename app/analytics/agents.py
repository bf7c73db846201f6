"""GET /api/v1/analytics/agents: what each agent answered, how fast, how often wrong, at what cost."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.analytics.counts import count
from app.analytics.parameters import ReportQuery
from app.analytics.reports import ANSWERS, Asked, Dated, Dollars, ErrorRate, Span, Times, routes
from app.analytics.sources import Filters
from app.analytics.sums import Sums
from app.analytics.window import Window
from app.auth.caller import EngineerTagged
from app.db.engine import Tx

router = routes()


class AgentUsage(Times):
    name: str = Field(description="`unknown` stands for messages that name no agent.")
    usage_count: int = Field(description="Assistant messages.")
    total_tokens: int
    error_count: int
    error_rate: ErrorRate
    cost_usd: Dollars


class AgentTotals(BaseModel):
    total_calls: int = Field(description="Assistant messages of all agents.")


class PreviousAgents(AgentTotals, Span):
    """The window before."""


class AgentReport(AgentTotals, Dated):
    agents: list[AgentUsage] = Field(description="Most used first, then by name.")
    previous: PreviousAgents | None = Field(default=None, description="Only with `compare=previous`.")


@router.get("/agents", response_model=AgentReport, responses=ANSWERS)
async def read_agents(tx: EngineerTagged, asking: Asked, asked: Annotated[ReportQuery, Query()]) -> Response:
    """Every agent's assistant messages: how many, their tokens, times, errors and cost."""
    window, filters = asking.window(tx, asked), Filters.of(asked)
    return await asking.answer(tx, window, partial(agents, tx, window, filters, compare=bool(asked.compare)))


async def agents(tx: Tx, window: Window, filters: Filters, *, compare: bool) -> dict[str, Any]:
    found = await count(tx, window, filters, "agent")
    lines = [line(name, sums) for name, sums in found.items()]
    report = totals(found) | {"agents": sorted(lines, key=lambda line: (-line["usage_count"], line["name"]))}
    if compare:
        before = window.previous
        report["previous"] = before.shown | totals(await count(tx, before, filters, "agent"))
    return report


def line(name: str, sums: Sums) -> dict[str, Any]:
    return {
        "name": name,
        "usage_count": sums.messages,
        "total_tokens": sums.tokens,
        "error_count": sums.errors,
        "error_rate": sums.error_rate,
        "cost_usd": sums.cost,
        **sums.times(),
    }


def totals(found: dict[str, Sums]) -> dict[str, Any]:
    return {"total_calls": sum(sums.messages for sums in found.values())}
