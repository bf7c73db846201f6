"""GET /api/v1/sync/manifest: what is known of the caller's logs, whole or page by page."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import bindparam, func, select, update
from starlette.responses import Response

from app import audit
from app.auth.caller import Caller, CallerTx, ViewerCall
from app.auth.guard import GuardedRoute
from app.db.engine import Database, Tx
from app.db.statement import Prepared
from app.models.account import Account
from app.models.transcript import Transcript
from app.models.user import User
from app.transcripts.processors.reader import READER_VERSION
from app.web.paging import Cursors
from app.web.plain import answer
from app.web.schema import Instant, Shape

log = structlog.get_logger("tally.sync")
router = APIRouter(prefix="/api/v1/sync", tags=["session logs"], route_class=GuardedRoute)
cursors: Cursors[str] = Cursors("manifest", str)
MOST = 5_000
# A cursor holds a name: 500 letters of up to four bytes, packed.
LONGEST_CURSOR = 4_000
SETTINGS = Prepared(
    select(Account.allow_raw_uploads, Account.workspace_labels, Account.workspace_salt, Account.retention_days).where(
        Account.id == bindparam("account")
    )
)
OWN = Transcript.account_id == bindparam("account"), Transcript.user_id == bindparam("user")
FILES = Prepared(
    select(
        Transcript.name,
        Transcript.sha256,
        Transcript.size,
        Transcript.source,
        Transcript.reader_version,
        Transcript.processed_at,
    )
    .where(*OWN, Transcript.name > bindparam("after"))
    .order_by(Transcript.name)
    .limit(bindparam("limit"))
)
NUMBER = Prepared(select(func.count().label("files")).where(*OWN))


class ManifestQuery(BaseModel, extra="forbid"):
    limit: Annotated[int | None, Field(ge=1, le=MOST, description="Files a page, 1 to 5,000; default: all.")] = None
    cursor: Annotated[str | None, Field(max_length=LONGEST_CURSOR)] = Field(
        None, description="`next_cursor` of the page before."
    )


class KnownFile(Shape):
    name: str
    sha256: str
    size: int
    source: Literal["upload", "rows"] = Field(description="`rows`: read by its owner; the log itself was never sent.")
    reader_version: int = Field(description="Of `rows`: what read them; 0 of who did not say.")
    processed_at: Instant | None = Field(description="Null while a raw log waits to be read.")


class Manifest(Shape):
    """What is known of the caller's logs, and how this account wants new ones."""

    files: list[KnownFile] = Field(description="By name.")
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")
    reader_version: int = Field(
        description="Of the server's own readers: rows of an earlier one are worth reading and sending again."
    )
    raw_uploads: bool = Field(description="Whether raw logs may be sent; else rows alone.")
    workspace_labels: Literal["full_path", "hashed", "basename_only"]
    workspace_salt: str = Field(description="Hex; keys the hashes of working directories, where labels are hashed.")
    retention_days: int


@router.get("/manifest", response_model=Manifest)
async def read_manifest(request: Request, caller: ViewerCall, query: Annotated[ManifestQuery, Query()]) -> Response:
    """The caller's logs with their hashes, so that only what is new need be sent; all at once, or by pages."""
    database: Database = request.app.state.database
    async with database.transaction(caller.account_id, read_only=True, snapshot=True) as tx:
        found = await manifest(tx, caller, query)
        # However many pages, it is one look.
        number = await NUMBER.one(tx, user=caller.id) if query.cursor is None else None
    if number is not None:
        await note(request, caller, number["files"])
    return answer(found)


async def manifest(tx: Tx, caller: Caller, query: ManifestQuery) -> dict[str, Any]:
    after = cursors.read(caller.id, query.cursor) or ""
    (settings,) = await SETTINGS.all(tx)
    more = None if query.limit is None else query.limit + 1
    files = [dict(row) for row in await FILES.all(tx, user=caller.id, after=after, limit=more)]
    is_last = query.limit is None or len(files) <= query.limit
    shown = files[: query.limit]
    return {
        "files": shown,
        "next_cursor": None if is_last else cursors.write(caller.id, shown[-1]["name"]),
        "reader_version": READER_VERSION,
        "raw_uploads": settings["allow_raw_uploads"],
        "workspace_labels": settings["workspace_labels"],
        "workspace_salt": settings["workspace_salt"].hex(),
        "retention_days": settings["retention_days"],
    }


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
