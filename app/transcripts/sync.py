"""POST /api/v1/sync/pushes: logs that were read where they lie, and what went wrong in them."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BeforeValidator, Field

from app import audit
from app.auth.caller import CallerTx, ViewerChange
from app.auth.guard import GuardedRoute
from app.facts.identity import session_key
from app.facts.members import Sender, sessions_of_others
from app.transcripts import friction
from app.transcripts.names import Name, Sha256, transcript_key
from app.web.schema import Body, Shape

router = APIRouter(prefix="/api/v1/sync", tags=["session logs"], route_class=GuardedRoute)
MOST_FILES, MOST_SESSIONS, MOST_SIGNALS = 1_000, 1_000, 100_000
LARGEST = 2**31 - 1
# The log of a raw file that nobody has read yet goes: who sent these rows has read it, and more of it.
UPSERT = """
    INSERT INTO transcripts AS f
        (account_id, id, user_id, name, sha256, size, source, form, uploaded_at, processed_at, reader_version)
    SELECT $1, t.id, $2, t.name, t.sha256, t.size, 'rows', t.form, $3, $3, t.reader_version
    FROM unnest($4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::int[])
        AS t (id, name, sha256, size, form, reader_version)
    ORDER BY t.id
    ON CONFLICT (account_id, user_id, name) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,
        source = excluded.source, form = excluded.form, storage_key = NULL, reader_version = excluded.reader_version,
        uploaded_at = excluded.uploaded_at, processed_at = excluded.processed_at
    WHERE f.sha256 <> excluded.sha256 OR (f.source = 'rows' AND f.reader_version <> excluded.reader_version)
"""


def told_apart(signals: object) -> object:
    """An earlier `tally push` sent counts: who runs one is told so, as nothing else would help them."""
    if type(signals) is int:
        raise ValueError("is told signal by signal now, not as a count; this tally is older than the server: update it")
    return signals


Mark = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Signals = Annotated[list[Mark], Field(max_length=MOST_SIGNALS), BeforeValidator(told_apart)]


class PushedSession(Body):
    """A session a log tells of, with what went wrong in it so far: told again, this replaces what was told before.

    Each signal is a mark of 16 hexadecimal digits, the same wherever its line is repeated, so that it counts once.
    """

    session_id: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] = Field(
        description="The producer's own id."
    )
    interruptions: Signals = Field(default=[])
    rejected_tools: Signals = Field(default=[])
    api_errors: Signals = Field(default=[])
    retries: Signals = Field(default=[])
    compactions: Signals = Field(default=[])
    commands: Signals = Field(default=[])
    skills: Signals = Field(default=[])
    sub_agents: Signals = Field(default=[])


class PushedFile(Body):
    name: Name
    sha256: Sha256
    size: Annotated[int, Field(ge=0, lt=2**53, strict=True)]
    form: Literal["claude_code", "codex"] | None = None
    reader_version: Annotated[int, Field(ge=0, le=LARGEST, strict=True)] = Field(
        0, description="Of what read the log, as the manifest has it; 0: a reader of one's own."
    )
    sessions: list[PushedSession] = Field(default=[], max_length=MOST_SESSIONS)


class Push(Body):
    """Logs whose rows were sent to /api/v1/ingest/batches. Sent again it changes nothing."""

    files: list[PushedFile] = Field(default=[], max_length=MOST_FILES)
    completed: Annotated[bool, Field(strict=True, description="Whether this was the last call of a push.")] = False
    total: Annotated[int, Field(ge=0, le=LARGEST, strict=True)] | None = Field(
        None, description="With `completed`: the logs of the whole push, to be put on record; else those of this call."
    )


class Pushed(Shape):
    files: int


@router.post("/pushes")
async def create_push(tx: ViewerChange, push: Push) -> Pushed:
    """Record logs that were read where they lie: their hashes, the sessions they tell of, what went wrong in them."""
    files = {transcript_key(tx.account, tx.caller.id, file.name): file for file in push.files}
    if files:
        await record_files(tx, files)
    if push.completed:
        await audit.record(tx, "sync.trigger", None, files=len(files) if push.total is None else push.total)
    return Pushed(files=len(files))


async def record_files(tx: CallerTx, files: dict[UUID, PushedFile]) -> None:
    columns = zip(*((id_, f.name, f.sha256, f.size, f.form, f.reader_version) for id_, f in files.items()), strict=True)
    await tx.driver.execute(UPSERT, tx.account, tx.caller.id, datetime.now(UTC), *columns)
    sender = Sender(tx.account, tx.caller.id, tx.caller.may("admin"))
    names = {session.session_id for file in files.values() for session in file.sessions}
    # Nobody says of another member's session what went wrong in it.
    others = await sessions_of_others(tx, sender, names)
    rows = {
        (id_, own): session.model_dump(exclude={"session_id"})
        for id_, file in files.items()
        for session in file.sessions
        if (own := session_key(tx.account, session.session_id)) not in others
    }
    told = ((*key, signals) for key, signals in rows.items())
    await friction.replace(tx, tx.caller.id, list(files), told)
