"""GET /api/v1/analytics/sessions/{session_id} and …/messages: one session, its messages and what else it did."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from typing import Annotated, Any
from uuid import UUID

from asyncpg import Record
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import DateTime, Uuid, bindparam, select, tuple_
from starlette.responses import Response

from app.analytics.folding import own_alone, veiled
from app.analytics.reports import ANSWERS, Asked, Dollars, routes
from app.analytics.sessions import COLUMNS, TOKENS, SessionLine, line
from app.analytics.sources import ACCOUNT
from app.auth.caller import CallerTx, EngineerTx
from app.db.statement import Prepared
from app.models.ai_session import AISession
from app.models.ai_session_step import AISessionStep
from app.models.message import Message
from app.models.session_handoff import SessionHandoff
from app.models.tool_call import ToolCall
from app.web.paging import Cursors, Page, PageQuery
from app.web.problems import NotFound
from app.web.schema import Instant, dollars, problems

router = routes()
Key = tuple[datetime, UUID]
cursors: Cursors[Key] = Cursors("analytics/sessions/messages", Key)
MOST = 200
FOUND = {**ANSWERS, **problems(404)}
SESSION = bindparam("session", type_=Uuid())


class Truncated(BaseModel):
    truncated: bool = Field(description=f"There are more than these {MOST}.")


class SessionToolCall(BaseModel):
    id: UUID
    name: str | None
    status: str
    is_error: bool
    occurred_at: Instant = Field(description="When it started; where nobody said, when it ended or came in.")
    duration_ms: int | None


class SessionStep(BaseModel):
    id: UUID
    created_at: Instant
    step_order: int | None
    step_type: str | None
    confidence_at_step: float | None
    input_tokens: int | None
    output_tokens: int | None
    is_fork_point: bool
    was_free_text: bool
    was_skipped: bool


class Handoff(BaseModel):
    id: UUID
    created_at: Instant
    handed_off_by: UUID | None
    intent: str | None
    priority: str | None
    claimed_at: Instant | None
    claimed_by: UUID | None


class SessionToolCalls(Truncated):
    rows: list[SessionToolCall] = Field(description="The first, by time.")


class SessionSteps(Truncated):
    rows: list[SessionStep] = Field(description="The first, by time.")


class Handoffs(Truncated):
    rows: list[Handoff] = Field(description="The first, by time.")


class OneSession(BaseModel):
    data_as_of: Instant | None = Field(description="When the account's facts last changed.")
    session: SessionLine
    tool_calls: SessionToolCalls
    steps: SessionSteps
    handoffs: Handoffs


class SessionMessage(BaseModel):
    """Numbers and names of a message; what it said is nowhere in Tally."""

    id: UUID
    created_at: Instant
    role: str
    agent_name: str | None
    model_id: str | None
    status: str
    is_error: bool
    error_kind: str | None
    response_time_ms: int | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    total_tokens: int
    cost_usd: Dollars


class SessionMessages(Page[SessionMessage]):
    data_as_of: Instant | None = Field(description="When the account's facts last changed.")


@router.get("/sessions/{session_id}", response_model=OneSession, responses=FOUND)
async def read_session(tx: EngineerTx, asking: Asked, session_id: UUID) -> Response:
    """A session's whole life: its totals, tool calls, steps and handoffs. Its messages have an address of their own."""
    return await asking.answer_anew(tx, None, partial(one_session, tx, session_id))


@router.get("/sessions/{session_id}/messages", response_model=SessionMessages, responses=FOUND)
async def read_session_messages(
    tx: EngineerTx, asking: Asked, session_id: UUID, page: Annotated[PageQuery, Query()]
) -> Response:
    """A session's messages, first to last, without what they said."""
    return await asking.answer_anew(tx, None, partial(messages, tx, session_id, page))


async def one_session(tx: CallerTx, session: UUID) -> dict[str, Any]:
    row = await find(tx, session)
    found = {noun: await some(tx, statement, session) for noun, statement in BELONGING.items()}
    for handoff in found["handoffs"]["rows"]:
        own_alone(tx.caller, handoff, ("handed_off_by", "claimed_by"))
    return {"session": veiled(tx.caller, line(row)), **found}


async def find(tx: CallerTx, session: UUID) -> Record:
    """The session, or the one answer for a missing id and another account's."""
    row = await BY_ID.one(tx, session=session)
    if row is None:
        raise NotFound("There is no session with this id in this account.")
    return row


async def some(tx: CallerTx, statement: Prepared, session: UUID) -> dict[str, Any]:
    rows = [dict(row) for row in await statement.all(tx, session=session)]
    return {"rows": rows[:MOST], "truncated": len(rows) > MOST}


async def messages(tx: CallerTx, session: UUID, asked: PageQuery) -> dict[str, Any]:
    after = cursors.read(tx.account, asked.cursor)
    await find(tx, session)
    values: dict[str, object] = {"session": session, "rows": asked.limit + 1}
    if after:
        values |= {"at": after[0], "id": after[1]}
    found = await by_time(later=bool(after)).all(tx, **values)
    page = cursors.page(tx.account, found, asked.limit, lambda row: (row["created_at"], row["id"]))
    return {"rows": [message(row) for row in page.rows], "next_cursor": page.next_cursor}


def message(row: Record) -> dict[str, Any]:
    shown = dict(row)
    micros = shown.pop("cost_micros")
    return shown | {"total_tokens": sum(row[name] for name in TOKENS), "cost_usd": dollars(micros)}


BY_ID = Prepared(select(*COLUMNS).where(AISession.account_id == ACCOUNT, AISession.id == SESSION))
MESSAGE = [name for name in SessionMessage.model_fields if name not in ("total_tokens", "cost_usd")]


def chosen(table: Any, names: Sequence[str]) -> list[Any]:
    return [table.__table__.c[name] for name in names]


@cache
def by_time(*, later: bool) -> Prepared:
    key = tuple_(Message.created_at, Message.id)
    start = (
        [key > tuple_(bindparam("at", type_=DateTime(timezone=True)), bindparam("id", type_=Uuid()))] if later else []
    )
    return Prepared(
        select(*chosen(Message, MESSAGE), Message.cost_micros)
        .where(Message.account_id == ACCOUNT, Message.session_id == SESSION, *start)
        .order_by(Message.created_at, Message.id)
        .limit(bindparam("rows"))
    )


def first(table: Any, shape: type[BaseModel], time: str) -> Prepared:
    return Prepared(
        select(*chosen(table, list(shape.model_fields)))
        .where(table.account_id == ACCOUNT, table.session_id == SESSION)
        .order_by(table.__table__.c[time], table.id)
        .limit(MOST + 1)
    )


BELONGING = {
    "tool_calls": first(ToolCall, SessionToolCall, "occurred_at"),
    "steps": first(AISessionStep, SessionStep, "created_at"),
    "handoffs": first(SessionHandoff, Handoff, "created_at"),
}
