"""What is on record of the caller: their own rows of the audit log, newest first."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import BaseModel, Field
from sqlalchemy import DateTime, String, Uuid, bindparam, cast, select, text, tuple_

from app.auth.caller import CallerTx
from app.db.statement import Prepared
from app.models.audit_log import AuditLog
from app.web.paging import Cursors, PageQuery
from app.web.schema import LATEST, Instant

Key = tuple[datetime, UUID]
FIRST: Key = (LATEST, UUID(int=0))


class OwnNote(BaseModel):
    id: UUID
    at: Instant = Field(description="When it was asked for.")
    action: str
    resource: str | None
    parameters: dict[str, Any] = Field(description="The window and the filters, or what a sync counted.")
    result: str = Field(examples=["done", "refused", "failed"])
    status: int | None
    duration_ms: int | None
    client_kind: str = Field(examples=["api", "web", "cli"])
    ip: str | None
    request_id: str | None


class NotePage(BaseModel):
    rows: list[OwnNote] = Field(description="Newest first.")
    next_cursor: Annotated[str | None, Field(description="Give it as `cursor` for the next page; null on the last.")]


COLUMNS = [AuditLog.__table__.c[name] for name in OwnNote.model_fields if name != "parameters"]


def newest(predicate: str) -> Prepared:
    """`predicate` is an index's own: said otherwise, the index would not be used."""
    key = tuple_(AuditLog.at, AuditLog.id)
    return Prepared(
        select(*COLUMNS, cast(AuditLog.parameters, String).label("parameters"))
        .where(
            AuditLog.account_id == bindparam("account"),
            AuditLog.user_id == bindparam("user", type_=Uuid()),
            text(predicate),
            key < tuple_(bindparam("at", type_=DateTime(timezone=True)), bindparam("id", type_=Uuid())),
        )
        .order_by(AuditLog.at.desc(), AuditLog.id.desc())
        .limit(bindparam("rows"))
    )


async def page(tx: CallerTx, statement: Prepared, cursors: Cursors[Key], asked: PageQuery) -> dict[str, Any]:
    """Cursors are the caller's own: another member's is refused like another account's."""
    at, id_ = cursors.read(tx.caller.id, asked.cursor) or FIRST
    found = await statement.all(tx, user=tx.caller.id, at=at, id=id_, rows=asked.limit + 1)
    shown = cursors.page(tx.caller.id, found, asked.limit, lambda row: (row["at"], row["id"]))
    rows = [{**row, "parameters": orjson.Fragment(row["parameters"])} for row in shown.rows]
    return {"rows": rows, "next_cursor": shown.next_cursor}
