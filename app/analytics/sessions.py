"""GET /api/v1/analytics/sessions: the sessions active in a window, newest first, each with its totals."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import Annotated, Any
from uuid import UUID

import orjson
from asyncpg import Record
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import ARRAY, DateTime, String, Uuid, any_, bindparam, select, tuple_
from sqlalchemy import cast as cast_to
from starlette.responses import Response

from app.analytics.folding import veiled
from app.analytics.parameters import Members, Models, WindowQuery
from app.analytics.reports import ANSWERS, Asked, Dated, Dollars, routes
from app.analytics.sources import ACCOUNT, Filters
from app.analytics.window import Window
from app.auth.caller import CallerTx, EngineerTx
from app.db.statement import Prepared
from app.models.ai_session import AISession
from app.web.paging import Cursors, PageQuery
from app.web.schema import Instant, dollars

router = routes()
Key = tuple[datetime, UUID]
cursors: Cursors[Key] = Cursors("analytics/sessions", Key)
AS_IT_IS = """external_id user_id session_type intake_type status confidence_tier provider model workspace created_at
    updated_at first_activity_at last_activity_at user_messages assistant_messages other_messages error_count tool_calls
    tool_errors input_tokens output_tokens cache_read_tokens cache_creation_tokens unpriced_messages""".split()  # noqa: SIM905 - a list of names
TOKENS = [name for name in AS_IT_IS if name.endswith("_tokens")]


class SessionQuery(PageQuery, Members, Models, WindowQuery):
    """No agent: a session may have had many, and its totals do not tell them apart."""


class SessionLine(BaseModel):
    session_id: UUID
    external_id: str | None = Field(description="The producer's own id.")
    user_id: UUID | None
    session_type: str | None
    intake_type: str | None
    status: str | None
    confidence_tier: str | None
    provider: str | None
    model: str | None = Field(description="As the session itself says; `models` is what its messages say.")
    workspace: str | None
    created_at: Instant
    updated_at: Instant
    first_activity_at: Instant | None
    last_activity_at: Instant | None
    active_seconds: float = Field(description="Without pauses of more than ten minutes.")
    user_messages: int
    assistant_messages: int
    other_messages: int
    error_count: int
    tool_calls: int
    tool_errors: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    total_tokens: int
    unpriced_messages: int
    cost_usd: Dollars
    models: dict[str, int] = Field(description="Messages by model id.", examples=[{"llama-3-8b": 12}])


class SessionReport(Dated):
    rows: list[SessionLine] = Field(description="Last updated first.")
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


@router.get("/sessions", response_model=SessionReport, responses=ANSWERS)
async def read_sessions(tx: EngineerTx, asking: Asked, asked: Annotated[SessionQuery, Query()]) -> Response:
    """Sessions last updated in the window, with the totals of their whole life."""
    window = asking.window(tx, asked)
    return await asking.answer_anew(tx, window, partial(sessions, tx, window, asked))


async def sessions(tx: CallerTx, window: Window, asked: SessionQuery) -> dict[str, Any]:
    after, filters = cursors.read(tx.account, asked.cursor), Filters.of(asked)
    values = {"low": window.start, "high": window.stop, "rows": asked.limit + 1, **filters.values}
    if after:
        values |= {"at": after[0], "id": after[1]}
    found = await by_update(filters.given, later=bool(after)).all(tx, **values)
    page = cursors.page(tx.account, found, asked.limit, lambda row: (row["updated_at"], row["id"]))
    return {"rows": [veiled(tx.caller, line(row)) for row in page.rows], "next_cursor": page.next_cursor}


UPDATED_WITHIN = (
    AISession.account_id == ACCOUNT,
    AISession.updated_at >= bindparam("low", type_=DateTime(timezone=True)),
    AISession.updated_at < bindparam("high", type_=DateTime(timezone=True)),
)
COLUMNS = (
    AISession.id,
    *(AISession.__table__.c[name] for name in AS_IT_IS),
    AISession.active_us,
    AISession.cost_micros,
    cast_to(AISession.models, String).label("models"),
)


def matching(given: frozenset[str]) -> list[Any]:
    """The same words as for messages, of sessions."""
    predicates = {
        "user": AISession.user_id == any_(bindparam("user", type_=ARRAY(Uuid()))),
        "model": AISession.models.has_any(bindparam("model", type_=ARRAY(String()))),
    }
    return [predicates[name] for name in sorted(given)]


@cache
def by_update(given: frozenset[str], *, later: bool) -> Prepared:
    key = tuple_(AISession.updated_at, AISession.id)
    start = (
        [key < tuple_(bindparam("at", type_=DateTime(timezone=True)), bindparam("id", type_=Uuid()))] if later else []
    )
    return Prepared(
        select(*COLUMNS)
        .where(*UPDATED_WITHIN, *matching(given), *start)
        .order_by(AISession.updated_at.desc(), AISession.id.desc())
        .limit(bindparam("rows"))
    )


def line(row: Record) -> dict[str, Any]:
    """A row as answers show it."""
    as_it_is: Mapping[str, Any] = {name: row[name] for name in AS_IT_IS}
    unknown = row["unpriced_messages"] and not row["cost_micros"]
    return {
        "session_id": row["id"],
        **as_it_is,
        "active_seconds": row["active_us"] / 1_000_000,
        "total_tokens": sum(row[name] for name in TOKENS),
        "cost_usd": None if unknown else dollars(row["cost_micros"]),
        "models": orjson.loads(row["models"]),
    }
