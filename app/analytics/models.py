"""GET /api/v1/analytics/models: which models were used, how fast, how often wrong, at what cost."""

import re
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
FILE_ENDING = re.compile(r"\.(gguf|bin)$", re.IGNORECASE)


class ModelUsage(Times):
    model_id: str
    model_name: str = Field(description="The id for people to read.", examples=["Llama 3 8B"])
    usage_count: int = Field(description="Messages of any role that name the model.")
    total_tokens: int
    error_count: int
    error_rate: ErrorRate
    cost_usd: Dollars


class ModelTotals(BaseModel):
    total_usage: int = Field(description="Messages that name a model.")


class PreviousModels(ModelTotals, Span):
    """The window before."""


class ModelReport(ModelTotals, Dated):
    models: list[ModelUsage] = Field(description="Most used first, then by id.")
    previous: PreviousModels | None = Field(default=None, description="Only with `compare=previous`.")


@router.get("/models", response_model=ModelReport, responses=ANSWERS)
async def read_models(tx: EngineerTagged, asking: Asked, asked: Annotated[ReportQuery, Query()]) -> Response:
    """Every model's messages: how many, their tokens, times, errors and cost. Messages without a model are left out."""
    window, filters = asking.window(tx, asked), Filters.of(asked)
    return await asking.answer(tx, window, partial(models, tx, window, filters, compare=bool(asked.compare)))


async def models(tx: Tx, window: Window, filters: Filters, *, compare: bool) -> dict[str, Any]:
    found = await count(tx, window, filters, "model")
    lines = [line(model, sums) for model, sums in found.items()]
    report = totals(found) | {"models": sorted(lines, key=lambda line: (-line["usage_count"], line["model_id"]))}
    if compare:
        before = window.previous
        report["previous"] = before.shown | totals(await count(tx, before, filters, "model"))
    return report


def line(model: str, sums: Sums) -> dict[str, Any]:
    return {
        "model_id": model,
        "model_name": readable(model),
        "usage_count": sums.messages,
        "total_tokens": sums.tokens,
        "error_count": sums.errors,
        "error_rate": sums.error_rate,
        "cost_usd": sums.cost,
        **sums.times(),
    }


def readable(model: str) -> str:
    """The last segment of a path, without the ending of a file of weights, as words in title case."""
    segment = model.rstrip("/").rpartition("/")[2]
    words = re.split(r"[-_\s]+", FILE_ENDING.sub("", segment))
    return " ".join(words).strip().title() or model


def totals(found: dict[str, Sums]) -> dict[str, Any]:
    return {"total_usage": sum(sums.messages for sums in found.values())}
