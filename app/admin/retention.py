"""GET, POST /api/v1/account/retention: what the account's retention would delete; delete it."""

import time
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from pydantic import Field

from app import audit
from app.auth.caller import AdminCall
from app.auth.guard import GuardedRoute
from app.db.engine import Database
from app.facts import retention
from app.web.schema import Instant, Shape

router = APIRouter(prefix="/api/v1/account/retention", tags=["administration"], route_class=GuardedRoute)
BUDGET_S = 10.0


class RetentionReport(Shape):
    """Facts dated before `cutoff` go; what reports say of those days stays."""

    cutoff: Instant | None = Field(description="The first instant that is kept; null while everything is kept.")
    rows: dict[str, int] = Field(description="Rows by table.", examples=[{"messages": 1200, "ai_sessions": 30}])
    done: bool = Field(description="False when there was more than one call should take: call again.")


@router.get("")
async def read_retention(request: Request, caller: AdminCall) -> RetentionReport:
    """What applying the retention would delete now. Deletes nothing."""
    database: Database = request.app.state.database
    now = datetime.now(UTC)
    rows = {cleared.table: cleared.rows for cleared in await retention.preview(database, caller.account_id, now)}
    return RetentionReport(
        cutoff=await retention.cutoff(database, caller.account_id, now), rows=rows, done=not any(rows.values())
    )


@router.post("")
async def apply_retention(request: Request, caller: AdminCall) -> RetentionReport:
    """Delete facts older than the account's retention; the worker does so daily. Reports keep their numbers."""
    database: Database = request.app.state.database
    await audit.record_call(request, caller, "retention.apply")
    now, until, done = datetime.now(UTC), time.monotonic() + BUDGET_S, True
    rows: dict[str, int] = {}
    async for cleared in retention.apply(database, caller.account_id, now):
        rows[cleared.table] = rows.get(cleared.table, 0) + cleared.rows
        if time.monotonic() > until:
            done = False
            break
    return RetentionReport(cutoff=await retention.cutoff(database, caller.account_id, now), rows=rows, done=done)
