"""GET, POST /api/v1/account/rollups: do the rollups say what the facts say; count them anew."""

import re
import time
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, BeforeValidator, Field

from app import audit
from app.auth.caller import AdminCall
from app.auth.guard import GuardedRoute
from app.db.engine import Database
from app.facts import upkeep
from app.facts.recount import Difference
from app.web.schema import Shape

router = APIRouter(prefix="/api/v1/account/rollups", tags=["administration"], route_class=GuardedRoute)
BUDGET_S = 10.0
MOST_SHOWN = 100


class RollupCheck(Shape):
    exact: bool | None = Field(description="Null while nothing was found and there is more to compare.")
    differences: list[dict[str, Any]] = Field(description="The first 100: table, key, what is stored, what is so.")
    done: bool = Field(description="False when the account is larger than one call should check: go on.")
    next_part: int | None = Field(description="Where to go on, as `skip`, when there was more.")


def written_as_day(text: object) -> object:
    """Numbers are days too to pydantic: of seconds since 1970."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(text)):
        raise ValueError("must be a day written YYYY-MM-DD")
    return text


class CheckQuery(BaseModel, extra="forbid"):
    skip: Annotated[
        int, Field(ge=0, le=1_000_000, description="Go on after so many parts, `next_part` of the call before.")
    ] = 0


class RebuildQuery(BaseModel, extra="forbid"):
    since: Annotated[
        date | None,
        BeforeValidator(written_as_day),
        Field(description="Go on from this day, `next_day` of the call before."),
    ] = None


class Rebuilt(Shape):
    done: bool
    next_day: date | None = Field(description="Where to go on when there was more than one call should take.")


@router.get("")
async def read_rollups(request: Request, caller: AdminCall, query: Annotated[CheckQuery, Query()]) -> RollupCheck:
    """Compare every rollup with a fresh count of the facts. Changes nothing."""
    database: Database = request.app.state.database
    until, next_part = time.monotonic() + BUDGET_S, None
    found: list[Difference] = []
    async for progress in upkeep.verify(database, caller.account_id, query.skip):
        found += progress.differences
        if time.monotonic() > until and progress.done < progress.total:
            next_part = progress.done
            break
    shown = upkeep.explain(found[:MOST_SHOWN])
    exact = None if next_part and not found else not found
    return RollupCheck(exact=exact, differences=shown, done=next_part is None, next_part=next_part)


@router.post("")
async def rebuild_rollups(request: Request, caller: AdminCall, query: Annotated[RebuildQuery, Query()]) -> Rebuilt:
    """Count the rollups anew from the facts, while the account goes on taking in more."""
    database: Database = request.app.state.database
    await audit.record_call(request, caller, "rollups.rebuild", since=str(query.since) if query.since else None)
    until = time.monotonic() + BUDGET_S
    async for progress in upkeep.rebuild(database, caller.account_id, query.since):
        if time.monotonic() > until and progress.next_day is not None:
            return Rebuilt(done=False, next_day=progress.next_day)
    return Rebuilt(done=True, next_day=None)
