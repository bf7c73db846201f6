"""GET /api/v1/analytics/summary: the last 30 days in a handful of numbers."""

from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import Field
from sqlalchemy import DateTime, bindparam, func, select
from starlette.responses import Response

from app.analytics.counts import ACCOUNT, EVERYTHING, count
from app.analytics.parameters import WindowQuery
from app.analytics.reports import ANSWERS, Asked, Dated, Dollars, ErrorRate, routes
from app.analytics.sums import added
from app.analytics.window import Window
from app.auth.caller import EngineerTx
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.ai_session import AISession

router = routes()
LATELY = timedelta(days=7)
ACTIVE = Prepared(
    select(func.count())
    .select_from(AISession)
    .where(AISession.account_id == ACCOUNT, AISession.updated_at >= bindparam("since", type_=DateTime(timezone=True)))
)


class Summary(Dated):
    total_messages: int = Field(description="Messages of the last 30 days, of every role: as /usage shows them.")
    total_tokens: int
    avg_response_time_ms: float | None
    cost_usd: Dollars
    error_rate: ErrorRate
    active_sessions: int = Field(description="Sessions updated in the last 7 days.")


@router.get("/summary", response_model=Summary, responses=ANSWERS)
async def read_summary(tx: EngineerTx, asking: Asked) -> Response:
    """The last 30 days, in the account's time zone."""
    window = asking.window(tx, WindowQuery())
    return await asking.answer(tx, window, partial(summary, tx, window))


async def summary(tx: Tx, window: Window) -> dict[str, Any]:
    sums = added((await count(tx, window, EVERYTHING, "day")).values())
    active = await ACTIVE.one(tx, since=window.stop - LATELY)
    return {
        "total_messages": sums.messages,
        "total_tokens": sums.tokens,
        "avg_response_time_ms": sums.average,
        "cost_usd": sums.cost,
        "error_rate": sums.error_rate,
        "active_sessions": active[0] if active else 0,
    }
