"""GET /api/v1/analytics/export: facts as a file, streamed with constant memory."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from pydantic import Field
from sqlalchemy import ARRAY, DateTime, String, Uuid, any_, bindparam, cast, select
from starlette.responses import Response

from app import audit
from app.analytics.counts import count
from app.analytics.files import CSV, FORMATS, NDJSON, PARQUET, File, Format
from app.analytics.parameters import Agents, Members, Models, WindowQuery
from app.analytics.reports import routes
from app.analytics.session_counts import active_sessions
from app.analytics.sessions import UPDATED_WITHIN, matching
from app.analytics.sources import ACCOUNT, FACTS, WITHIN, Filters
from app.analytics.sums import Sums
from app.analytics.window import Window
from app.auth.caller import AdminChange
from app.db.engine import Database
from app.db.statement import Prepared
from app.db.streams import A_PIECE, PATIENCE
from app.models.ai_session import AISession
from app.models.message import Message
from app.models.model import Model
from app.models.tool_call import ToolCall
from app.web.downloads import Download, Place
from app.web.problems import Unprocessable
from app.web.questions import Given, kept, values_of
from app.web.schema import dollars, problems

router = routes()
Kind = Literal["messages", "tool_calls", "sessions", "daily"]
Row = Sequence[Any]


class ExportQuery(Agents, Models, Members, WindowQuery):
    kind: Annotated[Kind, Field(description="What: one row a message, tool call, session or local day.")]
    format: Annotated[Format, Field(description="Parquet needs the extra `tally[parquet]` on the server.")] = "csv"


CONTENT = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (CSV, NDJSON, PARQUET)}


@router.get("/export", response_class=Response, responses={200: {"content": CONTENT}, **problems()})
async def export_facts(tx: AdminChange, request: Request, asked: Annotated[ExportQuery, Query()], _: Place) -> Response:
    """Rows of a window as a file, oldest first: `messages` and `tool_calls` by when they happened, `sessions` by when
    they were last updated, `daily` one row a local day. Instants are in UTC, money is in dollars. In CSV, a text that
    a spreadsheet would take for a formula begins with an apostrophe. Two exports of an account run at once, each up to
    an hour; one that nobody reads for half a minute ends.
    """  # noqa: D205 - a paragraph, for people who read the description
    window, filters, table = selected(asked, tx.caller.timezone, datetime.now(UTC))
    media_type, make = FORMATS[asked.format]
    source = table.pieces(request.app.state.database, tx.account, window, filters)
    body = as_bytes(make(table.columns), source)
    await audit.record(tx, "query.export", **described(values_of(request.scope["query_string"]), asked, window))
    return Download(body, media_type=media_type, headers=attached(asked, window))


def selected(asked: ExportQuery, zone: str, now: datetime) -> tuple[Window, Filters, "Table"]:
    """What is asked for, of an account in this zone; Unprocessable where it cannot be had."""
    filters, table = Filters.of(asked), TABLES[asked.kind]
    require_known(asked.kind, table, filters)
    return Window.of(asked, zone, now), filters, table


def require_known(kind: Kind, table: "Table", filters: Filters) -> None:
    """A filter that cannot be answered is refused: ignored, it would show too much."""
    for name in sorted(filters.given - table.filters):
        parameter = "user_id" if name == "user" else name
        rule = f"cannot be asked of {kind}"
        raise Unprocessable(
            f"query.{parameter}: {rule}.", errors=[{"loc": ["query", parameter], "msg": rule, "type": "filter"}]
        )


def described(given: Given, asked: ExportQuery, window: Window) -> dict[str, Any]:
    """For the audit log: whose, of which time, what and how."""
    return kept(given) | window.shown | {"kind": asked.kind, "format": asked.format}


def attached(asked: ExportQuery, window: Window) -> dict[str, str]:
    name = f"tally-{asked.kind}-{window.days[0]}-{window.days[-1]}.{asked.format}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


async def as_bytes(file: File, pieces: AsyncIterator[Sequence[Row]]) -> AsyncIterator[bytes]:
    async with aclosing(pieces):  # type: ignore[type-var]
        async for rows in pieces:
            if piece := file.rows(rows):
                yield piece
        yield file.end()


@dataclass(frozen=True)
class Table:
    """One kind of rows: its columns with their types, how they are read, the filters that can be asked of it."""

    columns: Mapping[str, type]
    filters: frozenset[str]
    pieces: Callable[[Database, UUID, Window, Filters], AsyncIterator[Sequence[Row]]]


def from_facts(statement: Callable[[frozenset[str]], Prepared], row: Callable[[Any], Row]) -> Any:
    """Rows by a cursor on the server, in a transaction of their own: the handler's ends before the answer begins."""

    async def pieces(
        database: Database, account: UUID, window: Window, filters: Filters
    ) -> AsyncIterator[Sequence[Row]]:
        async with database.transaction(account, read_only=True, snapshot=True) as tx:
            await tx.driver.execute(PATIENCE)
            cursor = await statement(filters.given).cursor(tx, low=window.start, high=window.stop, **filters.values)
            while rows := await cursor.fetch(A_PIECE):
                yield [row(found) for found in rows]

    return pieces


async def daily(database: Database, account: UUID, window: Window, filters: Filters) -> AsyncIterator[Sequence[Row]]:
    """What /usage shows day by day: at most 400 rows."""
    async with database.transaction(account, read_only=True, snapshot=True) as tx:
        days = await count(tx, window, filters, "day")
        sessions = await active_sessions(tx, window, filters)
    yield [line(day, days.get(day, Sums()), sessions.get(day, 0)) for day in window.days]


def line(day: date, sums: Sums, sessions: int) -> Row:
    return day, sums.messages, sessions, sums.tokens, *sums.classes, sums.errors, sums.average, sums.cost, sums.unpriced


TOKENS = dict.fromkeys(("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"), int)
DAILY = {
    "date": date, "messages": int, "sessions": int, "total_tokens": int, **TOKENS, "error_count": int,
    "avg_response_time_ms": float, "cost_usd": str, "unpriced_messages": int,
}  # fmt: skip
MESSAGES = {
    "id": str, "session_id": str, "user_id": str, "role": str, "status": str, "is_error": bool, "error_kind": str,
    "agent_name": str, "model_id": str, "provider": str, "created_at": datetime, "response_time_ms": int, **TOKENS,
    "cost_micros": str,
}  # fmt: skip
CALLS = {
    "id": str, "session_id": str, "user_id": str, "message_id": str, "name": str, "status": str, "is_error": bool,
    "occurred_at": datetime, "started_at": datetime, "completed_at": datetime, "duration_ms": int,
}  # fmt: skip
SESSIONS = {
    "id": str, "external_id": str, "user_id": str, "session_type": str, "intake_type": str, "status": str,
    "confidence_tier": str, "provider": str, "model": str, "workspace": str, "created_at": datetime,
    "updated_at": datetime, "first_activity_at": datetime, "last_activity_at": datetime, "user_messages": int,
    "assistant_messages": int, "other_messages": int, "error_count": int, "tool_calls": int, "tool_errors": int,
    **TOKENS, "unpriced_messages": int, "cost_micros": str,
}  # fmt: skip


def columns(table: type[Model], names: Iterable[str]) -> list[Any]:
    """Keys as text: files know no UUID."""
    chosen = [table.__table__.c[name] for name in names]
    return [cast(column, String) if isinstance(column.type, Uuid) else column for column in chosen]


@cache
def messages(given: frozenset[str]) -> Prepared:
    chosen = select(*columns(Message, MESSAGES)).where(Message.account_id == ACCOUNT, *WITHIN, *FACTS.matching(given))
    return Prepared(chosen.order_by(Message.created_at, Message.id))


@cache
def calls(given: frozenset[str]) -> Prepared:
    of_members = [ToolCall.user_id == any_(bindparam("user", type_=ARRAY(Uuid())))] if given else []
    return Prepared(
        select(*columns(ToolCall, CALLS))
        .where(
            ToolCall.account_id == ACCOUNT,
            ToolCall.occurred_at >= bindparam("low", type_=DateTime(timezone=True)),
            ToolCall.occurred_at < bindparam("high", type_=DateTime(timezone=True)),
            *of_members,
        )
        .order_by(ToolCall.occurred_at, ToolCall.id)
    )


@cache
def sessions(given: frozenset[str]) -> Prepared:
    chosen = select(*columns(AISession, SESSIONS)).where(*UPDATED_WITHIN, *matching(given))
    return Prepared(chosen.order_by(AISession.updated_at, AISession.id))


def with_dollars(row: Row) -> Row:
    """The last column is millionths of a dollar; unknown stays unknown."""
    return *row[:-1], dollars(row[-1])


def session_row(row: Row) -> Row:
    """Of a session, nothing of which has a price, the cost is unknown."""
    return *row[:-1], None if row[-2] and not row[-1] else dollars(row[-1])


def in_dollars(names: Mapping[str, type]) -> dict[str, type]:
    return {name.replace("cost_micros", "cost_usd"): kind for name, kind in names.items()}


MESSAGE_FILTERS = frozenset({"agent", "model", "user"})
TABLES: Mapping[Kind, Table] = {
    "messages": Table(in_dollars(MESSAGES), MESSAGE_FILTERS, from_facts(messages, with_dollars)),
    "tool_calls": Table(CALLS, frozenset({"user"}), from_facts(calls, tuple)),
    "sessions": Table(in_dollars(SESSIONS), frozenset({"model", "user"}), from_facts(sessions, session_row)),
    "daily": Table(DAILY, MESSAGE_FILTERS, daily),
}
