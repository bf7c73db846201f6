"""GET /api/v1/transcripts, DELETE /api/v1/transcripts/{transcript_id}: the logs there are; one goes, with its facts."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, status
from pydantic import BaseModel, Field
from sqlalchemy import Select, select, true, tuple_

from app import audit
from app.auth.caller import CallerTx, ViewerCall, ViewerTx
from app.auth.guard import GuardedRoute
from app.db.attempts import attempt
from app.db.engine import Tx
from app.facts.erasure import erase_sessions
from app.facts.upkeep import PATIENCE
from app.models.transcript import Transcript
from app.transcripts.processors.contract import Processor
from app.transcripts.processors.installed import processors
from app.transcripts.uploads import Shelf
from app.web.paging import Cursors, Page, PageQuery
from app.web.problems import NotFound
from app.web.schema import Instant, Shape, problems

router = APIRouter(prefix="/api/v1/transcripts", tags=["session logs"], route_class=GuardedRoute)
cursors: Cursors[tuple[datetime, UUID]] = Cursors("transcripts", tuple[datetime, UUID])
STATES = "SELECT * FROM processor_state WHERE account_id = $1 AND transcript_id = ANY ($2)"
LOCKED = "SELECT user_id, storage_key, size FROM transcripts WHERE account_id = $1 AND id = $2 FOR UPDATE"
# Only sessions of the log's own owner: that a log tells of another's session gives no right over it.
ALONE_TOLD = """
    SELECT s.id FROM transcript_sessions t JOIN ai_sessions s ON s.account_id = $1 AND s.id = t.session_id
    WHERE t.account_id = $1 AND t.transcript_id = $2 AND s.user_id = $3 AND NOT EXISTS (
        SELECT FROM transcript_sessions o
        WHERE o.account_id = $1 AND o.session_id = t.session_id AND o.transcript_id <> $2)
    ORDER BY s.id
"""
DELETE = "DELETE FROM transcripts WHERE account_id = $1 AND id = $2"


class TranscriptsQuery(PageQuery):
    user_id: Annotated[UUID | None, Field(description="Another member's logs; needs the admin role.")] = None


class LineProblem(BaseModel):
    line: int = Field(description="From 1; 0 where no line is to blame.")
    code: str
    detail: str


class Reading(BaseModel):
    """How far one processor has come with a log."""

    processor: str
    state: Literal["waiting", "done", "failing", "quarantined"] = Field(
        description="`failing`: tried again at next_attempt_at; `quarantined`: set aside after five attempts."
    )
    items: int = Field(description="What it found, so far.")
    attempts: int
    last_error: str | None
    next_attempt_at: Instant | None
    processed_at: Instant | None
    problems: list[LineProblem] = Field(description="The first hundred lines with something wrong.")


class StoredTranscript(Shape):
    id: UUID
    user_id: UUID
    name: str
    sha256: str
    size: int
    source: Literal["upload", "rows"] = Field(description="`rows`: read by its owner; the log itself was never sent.")
    form: Literal["claude_code", "codex"] | None
    kept: bool = Field(description="Whether the raw log is still there.")
    uploaded_at: Instant
    processed_at: Instant | None = Field(description="When every processor had read it.")
    processors: list[Reading] = Field(description="Empty for a log that was read by its owner.")


COLUMNS = [Transcript.__table__.c[name] for name in StoredTranscript.model_fields if name not in ("kept", "processors")]


class DeleteQuery(BaseModel, extra="forbid"):
    facts: Annotated[
        bool, Field(description="Also delete the sessions that only this log tells of, and all that belongs to them.")
    ] = False


def transcripts_after(account: UUID, user: UUID, key: tuple[datetime, UUID] | None, limit: int) -> Select[Any]:
    place = tuple_(Transcript.uploaded_at, Transcript.id)
    return (
        select(*COLUMNS, Transcript.storage_key.is_not(None).label("kept"))
        .where(Transcript.account_id == account, Transcript.user_id == user, true() if key is None else place < key)
        .order_by(Transcript.uploaded_at.desc(), Transcript.id.desc())
        .limit(limit + 1)
    )


@router.get("")
async def read_transcripts(tx: ViewerTx, query: Annotated[TranscriptsQuery, Query()]) -> Page[StoredTranscript]:
    """The caller's logs, latest first, with what each processor made of them."""
    user = query.user_id or tx.caller.id
    if user != tx.caller.id:
        tx.caller.require("admin")
    # Each member's list is its own: a cursor of another's is refused like another account's.
    after = cursors.read(user, query.cursor)
    rows = (await tx.connection.execute(transcripts_after(tx.account, user, after, query.limit))).mappings().all()
    readings = await readings_of(tx, rows)
    found = [StoredTranscript(**row, processors=readings[row["id"]]) for row in rows]
    return cursors.page(user, found, query.limit, lambda row: (row.uploaded_at, row.id))


async def readings_of(tx: Tx, rows: Sequence[Any]) -> dict[UUID, list[Reading]]:
    states: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for state in await tx.driver.fetch(STATES, tx.account, [row["id"] for row in rows]):
        states[UUID(int=state["transcript_id"].int)][state["processor"]] = state
    return {
        row["id"]: [reading(each, states[row["id"]].get(each.name), row["sha256"]) for each in processors().values()]
        if row["source"] == "upload"
        else []
        for row in rows
    }


def reading(processor: Processor, state: Any, sha256: str) -> Reading:
    if state is None or state["version"] != processor.version:
        blank = {"attempts": 0, "items": 0, "last_error": None, "next_attempt_at": None, "processed_at": None}
        return Reading(processor=processor.name, state="waiting", problems=[], **blank)
    if state["quarantined_at"] is not None:
        stands = "quarantined"
    elif state["attempts"]:
        stands = "failing"
    else:
        stands = "done" if state["sha256"] == sha256 else "waiting"
    names = "attempts", "items", "last_error", "next_attempt_at", "processed_at", "processor"
    return Reading(
        state=stands,
        problems=state["problems"],
        **{name: state[name] for name in names},
    )


@router.delete("/{transcript_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(404))
async def delete_transcript(
    request: Request, caller: ViewerCall, transcript_id: UUID, query: Annotated[DeleteQuery, Query()]
) -> None:
    """Delete a log of the caller's (an admin: of anybody's). What it told of stays, unless `facts` is asked for too."""
    shelf = Shelf(request, caller)

    async def work(tx: Tx) -> str | None:
        return await remove(shelf.own(tx), transcript_id, facts=query.facts)

    unwanted = await attempt(shelf.database, caller.account_id, work)
    if unwanted is not None:
        await shelf.storage.delete(unwanted)


async def remove(tx: CallerTx, transcript: UUID, *, facts: bool) -> str | None:
    """The key of the raw file, which goes once this is committed."""
    row = await tx.driver.fetchrow(LOCKED, tx.account, transcript)
    if row is None or (row["user_id"] != tx.caller.id and not tx.caller.may("admin")):
        raise NotFound("There is no session log with this id in this account.")
    sessions: list[UUID] = []
    if facts:
        await tx.driver.execute(PATIENCE)
        found = await tx.driver.fetch(ALONE_TOLD, tx.account, transcript, row["user_id"])
        sessions = [session["id"] for session in found]
        await erase_sessions(tx, sessions)
    await tx.driver.execute(DELETE, tx.account, transcript)
    await audit.record(tx, "transcript.delete", transcript, size=row["size"], sessions=len(sessions))
    key: str | None = row["storage_key"]
    return key
