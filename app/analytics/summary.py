"""GET /api/v1/analytics/summary: the last 30 days in a handful of numbers."""

from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import Field
from starlette.responses import Response

from app.analytics.counts import count
from app.analytics.parameters import WindowQuery
from app.analytics.reports import ANSWERS, Asked, Dated, Dollars, ErrorRate, routes
from app.analytics.session_counts import updated_sessions
from app.analytics.sources import EVERYTHING
from app.analytics.sums import added
from app.analytics.window import A_DAY, Window, begin, calendar
from app.auth.caller import EngineerTagged
from app.db.engine import Tx

router = routes()
LATELY = timedelta(days=7)


class Summary(Dated):
    total_messages: int = Field(description="Messages of the last 30 days, of every role: as /usage shows them.")
    total_tokens: int
    avg_response_time_ms: float | None
    cost_usd: Dollars
    error_rate: ErrorRate
    active_sessions: int = Field(description="Sessions updated in the last 7 days.")


@router.get("/summary", response_model=Summary, responses=ANSWERS)
async def read_summary(tx: EngineerTagged, asking: Asked) -> Response:
    """The last 30 days, in the account's time zone."""
    window = asking.window(tx, WindowQuery())
    return await asking.answer(tx, window, partial(summary, tx, window))


async def summary(tx: Tx, window: Window) -> dict[str, Any]:
    sums = added((await count(tx, window, EVERYTHING, "day")).values())
    active = await updated_sessions(tx, lately(window))
    return {
        "total_messages": sums.messages,
        "total_tokens": sums.tokens,
        "avg_response_time_ms": sums.average,
        "cost_usd": sums.cost,
        "error_rate": sums.error_rate,
        "active_sessions": active,
    }


def lately(window: Window) -> Window:
    """The last 7 days and the day after: what comes in may be dated a little ahead."""
    after = begin(window.zone, calendar(window.zone).day(window.stop) + 2 * A_DAY)
    return Window(window.stop - LATELY, after, window.zone, of_days=False, home=window.home)
