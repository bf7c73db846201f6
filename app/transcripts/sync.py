"""GET /api/v1/sync/manifest, POST /api/v1/sync/pushes: what is known of the caller's logs; what they sent of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import bindparam, select, update

from app import audit
from app.auth.caller import Caller, CallerTx, ViewerCall, ViewerChange
from app.auth.guard import GuardedRoute
from app.db.engine import Database
from app.db.statement import Prepared
from app.facts.identity import session_key
from app.facts.members import Sender, sessions_of_others
from app.models.account import Account
from app.models.transcript import Transcript
from app.models.user import User
from app.transcripts import friction
from app.transcripts.names import Name, Sha256, transcript_key
from app.web.schema import Body, Instant, Shape

log = structlog.get_logger("tally.sync")
router = APIRouter(prefix="/api/v1/sync", tags=["session logs"], route_class=GuardedRoute)
MOST_FILES, MOST_SESSIONS, MOST_SIGNALS = 1_000, 1_000, 100_000
LARGEST = 2**31 - 1
SETTINGS = Prepared(
    select(Account.allow_raw_uploads, Account.workspace_labels, Account.workspace_salt, Account.retention_days).where(
        Account.id == bindparam("account")
    )
)
FILES = Prepared(
    select(Transcript.name, Transcript.sha256, Transcript.size, Transcript.source, Transcript.processed_at)
    .where(Transcript.account_id == bindparam("account"), Transcript.user_id == bindparam("user"))
    .order_by(Transcript.name)
)
# The log of a raw file that nobody has read yet goes: who sent these rows has read it, and more of it.
UPSERT = """
    INSERT INTO transcripts AS f
        (account_id, id, user_id, name, sha256, size, source, form, uploaded_at, processed_at)
    SELECT $1, t.id, $2, t.name, t.sha256, t.size, 'rows', t.form, $3, $3
    FROM unnest($4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::text[]) AS t (id, name, sha256, size, form)
    ORDER BY t.id
    ON CONFLICT (account_id, user_id, name) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,
        source = excluded.source, form = excluded.form, storage_key = NULL,
        uploaded_at = excluded.uploaded_at, processed_at = excluded.processed_at
    WHERE f.sha256 <> excluded.sha256
"""


class KnownFile(Shape):
    name: str
    sha256: str
    size: int
    source: Literal["upload", "rows"] = Field(description="`rows`: read by its owner; the log itself was never sent.")
    processed_at: Instant | None = Field(description="Null while a raw log waits to be read.")


class Manifest(Shape):
    """What is known of the caller's logs, and how this account wants new ones."""

    files: list[KnownFile]
    raw_uploads: bool = Field(description="Whether raw logs may be sent; else rows alone.")
    workspace_labels: Literal["full_path", "hashed", "basename_only"]
    workspace_salt: str = Field(description="Hex; keys the hashes of working directories, where labels are hashed.")
    retention_days: int


Signals = Annotated[list[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]], Field(max_length=MOST_SIGNALS)]


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


@router.get("/manifest")
async def read_manifest(request: Request, caller: ViewerCall) -> Manifest:
    """The caller's logs with their hashes, so that only what is new need be sent."""
    database: Database = request.app.state.database
    async with database.transaction(caller.account_id, read_only=True, snapshot=True) as tx:
        settings, files = await SETTINGS.one(tx), await FILES.all(tx, user=caller.id)
    await note(request, caller, len(files))
    return manifest(settings, files)


def manifest(settings: Any, files: Sequence[Any]) -> Manifest:
    return Manifest(
        files=[KnownFile.model_construct(**row) for row in files],
        raw_uploads=settings["allow_raw_uploads"],
        workspace_labels=settings["workspace_labels"],
        workspace_salt=settings["workspace_salt"].hex(),
        retention_days=settings["retention_days"],
    )


async def note(request: Request, caller: Caller, files: int) -> None:
    """That they asked; a service key is no person who pulls."""
    database: Database = request.app.state.database
    try:
        async with database.transaction(caller.account_id) as tx:
            if caller.key_id is None or not caller.may("admin"):
                mine = update(User).where(User.account_id == tx.account, User.id == caller.id)
                await tx.connection.execute(mine.values(last_pull_at=datetime.now(UTC)))
            await audit.record(CallerTx.of(tx, caller, request), "manifest.fetch", None, files=files)
    except Exception as error:  # noqa: BLE001 - worth noting, not worth failing the manifest for
        log.warning("manifest not noted", why=type(error).__name__)


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
    columns = zip(*((id_, f.name, f.sha256, f.size, f.form) for id_, f in files.items()), strict=True)
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
