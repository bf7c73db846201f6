"""GET /api/v1/admin/audit: who read and changed what."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, DateTime, Select, String, Uuid, and_, bindparam, cast, func, select, tuple_

from app.auth.caller import AdminTx
from app.auth.guard import GuardedRoute
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.audit_log import AuditLog
from app.models.user import User
from app.web.paging import Cursors, PageQuery
from app.web.schema import Instant, Line, Shape

router = APIRouter(prefix="/api/v1/admin/audit", tags=["administration"], route_class=GuardedRoute)
Key = tuple[datetime, UUID]
cursors: Cursors[Key] = Cursors("admin/audit", Key)
ACCOUNT = bindparam("account", type_=Uuid())
AT = DateTime(timezone=True)
MOST_COUNTED = 10_000
MOST_FACETS = 50
Result = Literal["done", "refused", "failed"]
ClientKind = Literal["api", "web", "cli", "worker"]


class AuditQuery(PageQuery):
    user_id: Annotated[UUID | None, Field(description="Only what this member did.")] = None
    action: Annotated[
        Line | None,
        Field(
            description="An action; or its first word with the dot, for all of them.", examples=["user.", "key.create"]
        ),
    ] = None
    result: Result | None = None
    client_kind: ClientKind | None = None
    since: Annotated[Instant | None, Field(description="From this instant on.")] = None
    until: Annotated[Instant | None, Field(description="Before this instant.")] = None


class AuditRow(Shape):
    id: UUID
    at: Instant = Field(description="When it was asked for.")
    user_id: UUID | None = Field(description="Null for what the worker did, and for a key that is nobody's.")
    user_name: str | None
    action: str = Field(examples=["query.usage", "user.change", "auth.exchange", "access.refuse"])
    resource: str | None = Field(
        description="The id of what was changed, the operation refused, or whose audit was read (own, account)."
    )
    parameters: dict[str, Any] = Field(description="The window and filters of a read, the new settings of a change.")
    result: str = Field(examples=["done", "refused", "failed"])
    status: int | None = Field(description="The answer's; null for changes and exports, recorded before it is given.")
    duration_ms: int | None
    client_kind: str = Field(examples=["api", "web", "cli", "worker"])
    ip: str | None
    request_id: str | None


class ActionCount(BaseModel):
    action: str
    count: int


class MemberCount(BaseModel):
    user_id: UUID | None
    name: str | None
    count: int


class Facets(BaseModel):
    counted: int = Field(description=f"How many rows were counted: the newest {MOST_COUNTED:,} that match, at most.")
    actions: list[ActionCount] = Field(description=f"Most frequent first, at most {MOST_FACETS}.")
    users: list[MemberCount] = Field(description=f"Most frequent first, at most {MOST_FACETS}.")


class AuditPage(BaseModel):
    rows: list[AuditRow] = Field(description="Newest first.")
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")
    facets: Facets | None = Field(description="Of everything that matches; on the first page only.")


@router.get("")
async def read_audit(tx: AdminTx, asked: Annotated[AuditQuery, Query()]) -> AuditPage:
    """What members read and changed, what was refused, who signed in. Reads and refusals appear within a second."""
    after, values = cursors.read(tx.account, asked.cursor), chosen(asked)
    given = frozenset(values)
    if after:
        values |= {"after_at": after[0], "after_id": after[1]}
    found = await newest(given, later=bool(after)).all(tx, rows=asked.limit + 1, **values)
    page = cursors.page(tx.account, found, asked.limit, lambda row: (row["at"], row["id"]))
    rows = [AuditRow(**{**row, "parameters": orjson.loads(row["parameters"])}) for row in page.rows]
    facets = None if after else await counted(tx, given, values)
    return AuditPage(rows=rows, next_cursor=page.next_cursor, facets=facets)


def chosen(asked: AuditQuery) -> dict[str, Any]:
    """The filters by the names of FILTERS."""
    given = asked.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    if asked.action and asked.action.endswith("."):
        given["actions"] = given.pop("action")
    return given


FILTERS: Mapping[str, ColumnElement[bool]] = {
    "user_id": AuditLog.user_id == bindparam("user_id", type_=Uuid()),
    "action": AuditLog.action == bindparam("action", type_=String()),
    "actions": func.starts_with(AuditLog.action, bindparam("actions", type_=String())),
    "result": AuditLog.result == bindparam("result", type_=String()),
    "client_kind": AuditLog.client_kind == bindparam("client_kind", type_=String()),
    "since": AuditLog.at >= bindparam("since", type_=AT),
    "until": AuditLog.at < bindparam("until", type_=AT),
}
SHOWN = [AuditLog.__table__.c[name] for name in AuditRow.model_fields if name not in ("parameters", "user_name")]


def matching(given: frozenset[str], *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .where(AuditLog.account_id == ACCOUNT, *(FILTERS[name] for name in sorted(given)))
        .order_by(AuditLog.at.desc(), AuditLog.id.desc())
    )


@cache
def newest(given: frozenset[str], *, later: bool) -> Prepared:
    key = tuple_(AuditLog.at, AuditLog.id)
    rows = matching(given, *SHOWN, cast(AuditLog.parameters, String).label("parameters")).limit(bindparam("rows"))
    if later:
        rows = rows.where(key < tuple_(bindparam("after_at", type_=AT), bindparam("after_id", type_=Uuid())))
    page = rows.subquery()
    named = page.outerjoin(User, and_(User.account_id == ACCOUNT, User.id == page.c.user_id))
    return Prepared(
        select(page, User.name.label("user_name")).select_from(named).order_by(page.c.at.desc(), page.c.id.desc())
    )


@cache
def frequent(given: frozenset[str]) -> Prepared:
    """How often who did what, of the newest rows."""
    page = matching(given, AuditLog.action, AuditLog.user_id).limit(MOST_COUNTED).subquery()
    sums = select(page.c.action, page.c.user_id, func.count().label("n")).group_by(page.c.action, page.c.user_id)
    found = sums.subquery()
    named = found.outerjoin(User, and_(User.account_id == ACCOUNT, User.id == found.c.user_id))
    return Prepared(select(found, User.name).select_from(named))


async def counted(tx: Tx, given: frozenset[str], values: dict[str, Any]) -> Facets:
    actions: dict[str, int] = {}
    users: dict[tuple[UUID | None, str | None], int] = {}
    for action, user, n, name in await frequent(given).all(tx, **values):
        actions[action] = actions.get(action, 0) + n
        users[user, name] = users.get((user, name), 0) + n
    return Facets(
        counted=sum(actions.values()),
        actions=[ActionCount(action=action, count=n) for action, n in most(actions)],
        users=[MemberCount(user_id=user, name=name, count=n) for (user, name), n in most(users)],
    )


def most(counts: dict[Any, int]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))[:MOST_FACETS]
