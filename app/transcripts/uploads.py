"""POST /api/v1/transcripts: a raw session log comes in, to be read by the processors."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from sqlalchemy import bindparam, select

from app import audit
from app.auth.caller import Caller, CallerTx, ViewerCall
from app.auth.guard import GuardedRoute
from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.db.statement import Prepared
from app.models.account import Account
from app.transcripts.arrival import Arrived, receive
from app.transcripts.names import Name, transcript_key
from app.transcripts.state import FORGIVE
from app.transcripts.storage import Storage, new_key
from app.web.problems import Forbidden, Unprocessable
from app.web.schema import Shape, problems

router = APIRouter(prefix="/api/v1/transcripts", tags=["session logs"], route_class=GuardedRoute)
NAME: TypeAdapter[str] = TypeAdapter(Name)
BINARY = {"type": "string", "format": "binary"}
FILE = BINARY | {"description": "The one file of the form, whatever its field is called."}
FORM = {"type": "object", "properties": {"file": FILE}, "required": ["file"]}
BODY = {
    "required": True,
    "content": {"application/x-ndjson": {"schema": BINARY}, "multipart/form-data": {"schema": FORM}},
}
ALLOWED = Prepared(select(Account.allow_raw_uploads).where(Account.id == bindparam("account")))
KNOWN = "SELECT sha256 FROM transcripts WHERE account_id = $1 AND id = $2 AND source = 'upload'"
# The same content again changes nothing; sent as rows before, it is now read here as well.
UPSERT = """
    INSERT INTO transcripts AS f
        (account_id, id, user_id, name, sha256, size, source, form, storage_key, uploaded_at)
    VALUES ($1, $2, $3, $4, $5, $6, 'upload', $7, $8, $9)
    ON CONFLICT (account_id, user_id, name) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,
        source = excluded.source, form = excluded.form, storage_key = excluded.storage_key,
        uploaded_at = excluded.uploaded_at, processed_at = NULL
    WHERE f.sha256 <> excluded.sha256 OR f.source <> excluded.source
    RETURNING old.id AS replaced, old.storage_key
"""


class UploadQuery(BaseModel, extra="forbid"):
    name: Annotated[
        Name | None,
        Field(description="What the log is called; the same name again replaces it. A form's file has its own."),
    ] = None


class Upload(Shape):
    id: UUID
    name: str
    sha256: str = Field(description="Of the log, unpacked.")
    size: int = Field(description="In bytes, unpacked.")
    form: Literal["claude_code", "codex"] | None = Field(description="Which agent's log it is; null: none we know.")
    result: Literal["created", "replaced", "unchanged"]


@dataclass(frozen=True)
class Shelf:
    """Where a caller's logs go."""

    request: Request
    caller: Caller

    @property
    def database(self) -> Database:
        found: Database = self.request.app.state.database
        return found

    @property
    def storage(self) -> Storage:
        found: Storage = self.request.app.state.storage
        return found

    def own(self, tx: Tx) -> CallerTx:
        return CallerTx.of(tx, self.caller, self.request)

    async def put(self, log: Arrived, name: str) -> Upload:
        """On the disk first, then in the database: a file without a row is swept away, a row without one misleads."""
        account = self.caller.account_id
        upload = Upload(
            id=transcript_key(account, self.caller.id, name),
            name=name,
            sha256=log.sha256,
            size=log.size,
            form=log.form,
            result="unchanged",
        )
        async with self.database.transaction(account, read_only=True) as tx:
            if await tx.driver.fetchval(KNOWN, account, upload.id) == log.sha256:
                return upload
        key = new_key(account, self.caller.id)
        await self.storage.keep(log.file, key)
        found = await attempt(self.database, account, lambda tx: self._record(self.own(tx), upload, key))
        unwanted = key if found is None else found["storage_key"]
        if unwanted is not None:
            await self.storage.delete(unwanted)
        if found is None:
            return upload
        return upload.model_copy(update={"result": "created" if found["replaced"] is None else "replaced"})

    async def _record(self, tx: CallerTx, upload: Upload, key: str) -> Any:
        """None where somebody else has just brought in the very same."""
        values = upload.name, upload.sha256, upload.size, upload.form, key, datetime.now(UTC)
        found = await tx.driver.fetchrow(UPSERT, tx.account, upload.id, tx.caller.id, *values)
        if found is not None:
            await tx.driver.execute(FORGIVE, tx.account, upload.id)
            await audit.record(tx, "transcript.upload", upload.id, size=upload.size, form=upload.form)
        return found


@router.post(
    "",
    responses={**problems(), 201: {"model": Upload, "description": "It is new, or its content is."}},
    openapi_extra={"requestBody": BODY},
)
async def upload_transcript(
    request: Request, response: Response, caller: ViewerCall, query: Annotated[UploadQuery, Query()]
) -> Upload:
    """Bring in a session log of the caller's: the body, or the file of a form; plain, or packed with gzip or zstd.

    At most 50 MiB, also unpacked. Facts follow once processors have read it; the same content again changes nothing.
    """
    shelf = Shelf(request, caller)
    await require_allowed(shelf)
    async with receive(request, request.app.state.data_dir, request.app.state.max_upload_bytes) as log:
        upload = await shelf.put(log, query.name or proper(log.name))
    response.status_code = status.HTTP_200_OK if upload.result == "unchanged" else status.HTTP_201_CREATED
    return upload


async def require_allowed(shelf: Shelf) -> None:
    async with shelf.database.transaction(shelf.caller.account_id, read_only=True) as tx:
        row = await ALLOWED.one(tx)
    if row is None or not row["allow_raw_uploads"]:
        raise Forbidden("This account takes no raw session logs: send their rows, as `tally push` does by itself.")


def proper(filename: str | None) -> str:
    """The name a form gives its file."""
    try:
        return NAME.validate_python(filename)
    except ValidationError as error:
        rule = "missing" if filename is None else error.errors()[0]["msg"].removeprefix("Value error, ")
        place = [{"loc": ["query", "name"], "msg": rule, "type": "name"}]
        raise Unprocessable(
            "query.name: say what the log is called, as in ?name=p01/log.jsonl.", errors=place
        ) from None
