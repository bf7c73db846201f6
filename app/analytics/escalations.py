"""GET /api/v1/analytics/flowpilot/escalations: how soon a person acted on what an agent handed over.

Read from the rows of handoffs and steps themselves, whoever wrote them.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import pairwise, zip_longest
from math import inf
from typing import Annotated, Any, Literal

from asyncpg import Record
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import ARRAY, ColumnElement, DateTime, bindparam, case, func, literal_column, select, true
from starlette.responses import Response

from app.analytics.counts import columns
from app.analytics.parameters import WindowQuery, Zone
from app.analytics.percentiles import mean, median, nearest_rank
from app.analytics.reports import ANSWERS, Asked, Dated, routes
from app.analytics.sources import ACCOUNT, UNKNOWN
from app.analytics.window import Window, begin
from app.auth.caller import EngineerTx
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.ai_session_step import AISessionStep
from app.models.session_handoff import SessionHandoff

router = routes()
Period = Literal["7d", "30d", "90d"]
MINUTE, HOUR = 60, 3_600
EDGES = (0, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 24 * HOUR)
DEFINITION = (
    "Seconds from the moment a person claimed a handoff to the first step of the same session after that moment;"
    " p95 is nearest-rank. Handoffs count by when they were claimed; one without a later step counts as claimed"
    " only. This measures time to a first action, not time saved: any savings claim must be paired with a manual"
    " baseline, the same measure taken where people work without Tally's agents."
)


class EscalationQuery(BaseModel, extra="forbid"):
    period: Annotated[Period, Field(description="How far back from now.")] = "30d"
    timezone: Annotated[
        Zone | None, Field(description="IANA zone whose days are reported. Default: the account's.")
    ] = None


class Reaction(BaseModel):
    n_handoffs_claimed: int = Field(description="Claimed in the period.")
    n_handoffs_with_action: int = Field(description="Those of them with a later step of their session.")
    avg_seconds_to_first_action: float | None
    median_seconds_to_first_action: float | None
    p95_seconds_to_first_action: float | None = Field(description="Nearest-rank.")


class ByIntent(Reaction):
    intent: str = Field(description="`unknown` where none was given.")


class ByPriority(Reaction):
    priority: str = Field(description="`unknown` where none was given.")


class ReactionBin(BaseModel):
    from_seconds: int
    below_seconds: int | None = Field(description="Null: the last bin has no end.")
    n_handoffs: int = Field(description="First actions that came this soon.")


class EscalationDay(BaseModel):
    date: date
    n_handoffs_total: int = Field(description="Handed over that day.")
    n_handoffs_claimed: int = Field(description="Claimed that day.")
    n_handoffs_with_action: int = Field(description="Of those claimed that day.")
    median_seconds_to_first_action: float | None


class EscalationReport(Reaction, Dated):
    period: Period
    n_handoffs_total: int = Field(description="Handed over in the period.")
    n_unclaimed: int = Field(description="Those of them that nobody has claimed.")
    median_seconds_to_claim: float | None = Field(description="Of those claimed in the period.")
    p95_seconds_to_claim: float | None
    metric_definition: str
    distribution: list[ReactionBin] = Field(description="Of the times to a first action; its bins are always the same.")
    by_intent: list[ByIntent]
    by_priority: list[ByPriority]
    daily: list[EscalationDay] = Field(description="Every local day of the period, ascending.")


@router.get("/flowpilot/escalations", response_model=EscalationReport, responses=ANSWERS)
async def read_escalations(tx: EngineerTx, asking: Asked, asked: Annotated[EscalationQuery, Query()]) -> Response:
    """How soon people acted on handoffs claimed in the last 7, 30 or 90 days."""
    window = asking.window(tx, WindowQuery(timezone=asked.timezone), timedelta(days=int(asked.period[:-1])))
    return await asking.answer_anew(tx, window, partial(escalations, tx, window, asked.period))


WITHIN = {
    "low": bindparam("low", type_=DateTime(timezone=True)),
    "high": bindparam("high", type_=DateTime(timezone=True)),
}
STARTS = bindparam("starts", type_=ARRAY(DateTime(timezone=True)))
FIRST_STEP = (
    select(AISessionStep.created_at)
    .where(
        AISessionStep.account_id == ACCOUNT,
        AISessionStep.session_id == SessionHandoff.session_id,
        AISessionStep.created_at > SessionHandoff.claimed_at,
    )
    .order_by(AISessionStep.created_at)
    .limit(1)
    .lateral()
)


def seconds(since: Any, until: Any) -> ColumnElement[float]:
    """Never less than none: clocks of two machines differ."""
    # Its twin, EXTRACT, counts in decimals, which takes a fifth of the statement.
    return case((until < since, literal_column("0.0")), else_=func.date_part("epoch", until - since))


CLAIMED = Prepared(
    select(
        SessionHandoff.intent,
        SessionHandoff.priority,
        func.width_bucket(SessionHandoff.claimed_at, STARTS).label("day"),
        seconds(SessionHandoff.created_at, SessionHandoff.claimed_at).label("wait"),
        seconds(SessionHandoff.claimed_at, FIRST_STEP.c.created_at).label("delta"),
    )
    .join_from(SessionHandoff, FIRST_STEP, true(), isouter=True)
    .where(
        SessionHandoff.account_id == ACCOUNT,
        SessionHandoff.claimed_at >= WITHIN["low"],
        SessionHandoff.claimed_at < WITHIN["high"],
    )
)
HANDED_OVER = Prepared(
    select(
        func.width_bucket(SessionHandoff.created_at, STARTS),
        func.count(),
        func.count().filter(SessionHandoff.claimed_at.is_(None)),
    )
    .where(
        SessionHandoff.account_id == ACCOUNT,
        SessionHandoff.created_at >= WITHIN["low"],
        SessionHandoff.created_at < WITHIN["high"],
    )
    .group_by(func.width_bucket(SessionHandoff.created_at, STARTS))
)


async def escalations(tx: Tx, window: Window, period: Period) -> dict[str, Any]:
    within = {"low": window.start, "high": window.stop}
    starts = [begin(window.zone, day) for day in window.days]
    # Soonest first: whatever they are grouped by is then in order, and percentiles find nothing left to sort.
    claimed = sorted(await CLAIMED.all(tx, starts=starts, **within), key=soonest)
    # Of each handoff that a person took on: seconds until they did, and from then to the first action, if any.
    intents, priorities, days, waits, deltas = columns(claimed, 5)
    waits.sort()
    created = {row[0]: (row[1], row[2]) for row in await HANDED_OVER.all(tx, starts=starts, **within)}
    return {
        "period": period,
        **reaction(deltas),
        "n_handoffs_total": sum(total for total, _ in created.values()),
        "n_unclaimed": sum(unclaimed for _, unclaimed in created.values()),
        "median_seconds_to_claim": median(waits),
        "p95_seconds_to_claim": nearest_rank(waits, 95),
        "metric_definition": DEFINITION,
        "distribution": distribution([delta for delta in deltas if delta is not None]),
        "by_intent": named("intent", intents, deltas),
        "by_priority": named("priority", priorities, deltas),
        "daily": daily(window, grouped(days, deltas), {n: total for n, (total, _) in created.items()}),
    }


def soonest(claim: Record) -> float:
    delta: float | None = claim[-1]
    return inf if delta is None else delta


def reaction(claims: Sequence[float | None]) -> dict[str, Any]:
    """Of so many claims, each with the seconds to its first action."""
    deltas = [delta for delta in claims if delta is not None]
    return {
        "n_handoffs_claimed": len(claims),
        "n_handoffs_with_action": len(deltas),
        "avg_seconds_to_first_action": mean(deltas),
        "median_seconds_to_first_action": median(deltas),
        "p95_seconds_to_first_action": nearest_rank(deltas, 95),
    }


def distribution(deltas: Sequence[float]) -> list[dict[str, Any]]:
    """Of deltas in order."""
    below = [*(bisect_left(deltas, edge) for edge in EDGES), len(deltas)]
    bins = zip_longest(EDGES, EDGES[1:])
    return [
        {"from_seconds": low, "below_seconds": high, "n_handoffs": stop - start}
        for (low, high), (start, stop) in zip(bins, pairwise(below), strict=True)
    ]


def grouped(names: Iterable[Any], deltas: Iterable[float | None]) -> Mapping[Any, Sequence[float | None]]:
    groups: defaultdict[Any, list[float | None]] = defaultdict(list)
    for name, delta in zip(names, deltas, strict=True):
        groups[name].append(delta)
    return groups


def named(noun: str, names: Iterable[str | None], deltas: Iterable[float | None]) -> list[dict[str, Any]]:
    """Most claimed first, then by name."""
    groups = grouped((name or UNKNOWN for name in names), deltas)
    lines = [{noun: name, **reaction(claims)} for name, claims in groups.items()]
    return sorted(lines, key=lambda line: (-line["n_handoffs_claimed"], line[noun]))


def daily(
    window: Window, claims: Mapping[int, Sequence[float | None]], created: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Days are numbered from one."""
    shown = ("n_handoffs_claimed", "n_handoffs_with_action", "median_seconds_to_first_action")
    lines = []
    for n, day in enumerate(window.days, 1):
        found = reaction(claims.get(n, ()))
        lines.append({"date": day, "n_handoffs_total": created.get(n, 0), **{name: found[name] for name in shown}})
    return lines
