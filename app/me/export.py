"""GET /api/v1/me/export: everything held about the caller, as lines of JSON, streamed in constant memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from sqlalchemy import JSON, Integer, Uuid
from starlette.responses import Response

from app import audit
from app.auth.caller import ViewerChange
from app.auth.guard import GuardedRoute
from app.db.engine import Database, Tx
from app.db.streams import A_PIECE, PATIENCE
from app.models import Model
from app.web.downloads import Download, Place
from app.web.schema import dollars, problems

router = APIRouter(prefix="/api/v1/me", tags=["me"], route_class=GuardedRoute)
NDJSON = "application/x-ndjson"
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
# The account is the caller's own; a key's hash is a secret, where a raw file lies is the operator's business.
NEVER_SHOWN = {"account_id", "storage_key"}
# Columns that may name somebody else.
PEOPLE = {"handed_off_by", "claimed_by"}
OWN = "user_id = $2"
OF_OWN_SESSIONS = "session_id IN (SELECT id FROM ai_sessions WHERE account_id = $1 AND user_id = $2)"
OF_OWN_LOGS = "transcript_id IN (SELECT id FROM transcripts WHERE account_id = $1 AND user_id = $2)"


@dataclass(frozen=True)
class Part:
    """One table's rows about a member, under the name that lines carry as `kind`."""

    kind: str
    table: str
    of_member: str
    hidden: frozenset[str] = frozenset()

    @cached_property
    def names(self) -> Sequence[str]:
        return [c.name for c in Model.metadata.tables[self.table].columns if c.name not in NEVER_SHOWN | self.hidden]

    @cached_property
    def sql(self) -> str:
        """Ids and objects as text, as lines write them."""
        columns = Model.metadata.tables[self.table].columns
        shown = (f"{name}::text" if isinstance(columns[name].type, JSON | Uuid) else f'"{name}"' for name in self.names)
        return f"SELECT {', '.join(shown)} FROM {self.table} WHERE account_id = $1 AND ({self.of_member})"

    @cached_property
    def objects(self) -> frozenset[str]:
        columns = Model.metadata.tables[self.table].columns
        return frozenset(name for name in self.names if isinstance(columns[name].type, JSON))


# By log: now by transcript_signals.
NO_LONGER_COUNTED = frozenset(
    column.name for column in Model.metadata.tables["transcript_sessions"].columns if isinstance(column.type, Integer)
)
PARTS = (
    Part("profile", "users", "id = $2"),
    Part("key", "api_keys", OWN, frozenset({"sha256"})),
    Part("session", "ai_sessions", OWN),
    Part("message", "messages", OF_OWN_SESSIONS),
    Part("tool_call", "tool_calls", OF_OWN_SESSIONS),
    Part("step", "ai_session_steps", OF_OWN_SESSIONS),
    # Also those of others that name the caller.
    Part("handoff", "session_handoffs", f"{OF_OWN_SESSIONS} OR handed_off_by = $2 OR claimed_by = $2"),
    Part("session_day", "session_days", OF_OWN_SESSIONS),
    Part("session_hour", "session_hours", OF_OWN_SESSIONS),
    # All that is left of days whose messages are older than the account keeps them.
    Part("day", "member_days", OWN),
    Part("day_total", "subject_days", "subject = 'member' AND name = $2::uuid::text", frozenset({"histogram"})),
    Part("transcript", "transcripts", OWN),
    Part("transcript_session", "transcript_sessions", OF_OWN_LOGS, NO_LONGER_COUNTED),
    Part("transcript_signal", "transcript_signals", OF_OWN_LOGS),
    Part("transcript_state", "processor_state", OF_OWN_LOGS),
    Part("journal_session", "journal_sessions", OF_OWN_SESSIONS),
    Part("audit", "audit_log", OWN),
)


@router.get("/export", response_class=Response, responses={200: {"content": {NDJSON: {}}}, **problems()})
async def export_me(tx: ViewerChange, request: Request, _: Place) -> Response:
    """Everything held about the caller, a JSON object a line: `kind` says what it is (profile, key, session, message,
    tool_call, step, handoff, session_day, session_hour, day, day_total, transcript, transcript_session,
    transcript_signal, transcript_state, journal_session, audit). Keys come without their secret. Two exports of an
    account run at once, each up to an hour; one that nobody reads for half a minute ends.
    """  # noqa: D205 - a paragraph, for people who read the description
    await audit.record(tx, "me.export")
    body = written(request.app.state.database, tx.account, tx.caller.id, alone=tx.caller.is_walled)
    name = f"tally-me-{datetime.now(UTC):%Y-%m-%d}.ndjson"
    return Download(body, media_type=NDJSON, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def written(database: Database, account: UUID, user: UUID, *, alone: bool = False) -> AsyncIterator[bytes]:
    """In a transaction of its own: the handler's ends before the answer begins. `alone`: a line names nobody else."""
    async with database.transaction(account, read_only=True, snapshot=True) as tx:
        await tx.driver.execute(PATIENCE)
        for part in PARTS:
            async for rows in pieces(tx, part, user):
                yield b"".join([line(part, row, str(user) if alone else None) for row in rows])


async def pieces(tx: Tx, part: Part, user: UUID) -> AsyncIterator[Sequence[Any]]:
    cursor = await tx.driver.cursor(part.sql, tx.account, user)
    while rows := await cursor.fetch(A_PIECE):
        yield rows


def line(part: Part, row: Sequence[Any], alone: str | None) -> bytes:
    said: dict[str, Any] = {"kind": part.kind}
    for name, value in zip(part.names, row, strict=True):
        if name == "cost_micros":
            said["cost_usd"] = dollars(value)
        elif alone and name in PEOPLE and value != alone:
            said[name] = None
        else:
            said[name] = orjson.Fragment(value) if name in part.objects and value is not None else value
    return orjson.dumps(said, option=OPTIONS)
