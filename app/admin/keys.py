"""GET, POST /api/v1/keys; DELETE /api/v1/keys/{key_id}: the API keys programs exchange for tokens."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import Field
from sqlalchemy import Select, insert, select, true, update

from app import audit
from app.admin.users import find, require_right_over
from app.auth.caller import CallerTx, ViewerChange, ViewerTx
from app.auth.guard import GuardedRoute
from app.auth.keys import make
from app.db.ids import new_id
from app.models.api_key import ApiKey
from app.web.paging import Cursors, Page, PageQuery
from app.web.problems import Conflict, NotFound
from app.web.schema import Body, Instant, Name, Shape, problems

router = APIRouter(prefix="/api/v1/keys", tags=["sign-in"], route_class=GuardedRoute)
cursors: Cursors[tuple[UUID]] = Cursors("keys", tuple[UUID])


class KeysQuery(PageQuery):
    user_id: Annotated[UUID | None, Field(description="Another member's keys; needs the admin role.")] = None


class NewKey(Body):
    name: Name = Field(examples=["laptop"])
    user_id: UUID | None = Field(default=None, description="Whose key; default the caller's. Others' need admin.")


class Key(Shape):
    id: UUID
    user_id: UUID
    name: str
    hint: str = Field(description="The end of the key, to tell keys apart.", examples=["…x7Qa"])
    created_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None


class KeyShownOnce(Key):
    api_key: str = Field(description="The key itself. It is shown this once and kept nowhere.")


def keys_of(account: UUID) -> Select[Any]:
    return select(*(ApiKey.__table__.c[name] for name in Key.model_fields)).where(ApiKey.account_id == account)


def keys_after(account: UUID, user: UUID, key: tuple[UUID] | None, limit: int) -> Select[Any]:
    after = true() if key is None else ApiKey.id > key[0]
    return keys_of(account).where(ApiKey.user_id == user, after).order_by(ApiKey.id).limit(limit + 1)


@router.get("")
async def read_keys(tx: ViewerTx, query: Annotated[KeysQuery, Query()]) -> Page[Key]:
    """The caller's keys, oldest first; revoked ones too."""
    user = query.user_id or tx.caller.id
    if user != tx.caller.id:
        tx.caller.require("admin")
    # Each member's list is its own: a cursor of another's is refused like another account's.
    after = cursors.read(user, query.cursor)
    rows = (await tx.connection.execute(keys_after(tx.account, user, after, query.limit))).all()
    found = [Key.model_validate(row) for row in rows]
    return cursors.page(user, found, query.limit, lambda key: (key.id,))


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(404, 409))
async def create_key(tx: ViewerChange, new: NewKey) -> KeyShownOnce:
    """Make a key. The answer is the only place it ever appears."""
    user = new.user_id or tx.caller.id
    if user != tx.caller.id:
        tx.caller.require("admin")
        member = await find(tx, user)
        require_right_over(tx.caller, user, member.account_role)
        if not member.active:
            raise Conflict("This member is not active: a key of theirs would open nothing.")
    secret = make(tx.account)
    key_id = new_id()
    values = {"account_id": tx.account, "id": key_id, "user_id": user, "name": new.name}
    await tx.connection.execute(insert(ApiKey).values(**values, sha256=secret.sha256, hint=secret.hint))
    await audit.record(tx, "key.create", key_id, user_id=str(user))
    key = Key.model_validate(await find_key(tx, key_id))
    return KeyShownOnce(**key.model_dump(), api_key=secret.text)


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(404))
async def revoke_key(tx: ViewerChange, key_id: UUID) -> None:
    """Revoke a key. Tokens exchanged for it stop working at once. Revoking again changes nothing."""
    key = await find_key(tx, key_id)
    if key.user_id != tx.caller.id:
        member = await find(tx, key.user_id)
        require_right_over(tx.caller, key.user_id, member.account_role)
    if key.revoked_at is None:
        chosen = update(ApiKey).where(ApiKey.account_id == tx.account, ApiKey.id == key_id)
        await tx.connection.execute(chosen.values(revoked_at=datetime.now(UTC)))
        await audit.record(tx, "key.revoke", key_id, user_id=str(key.user_id))


async def find_key(tx: CallerTx, key_id: UUID) -> Any:
    """The caller's key, or any of the account for an admin; else the one answer for what is not there."""
    chosen = keys_of(tx.account).where(ApiKey.id == key_id)
    if not tx.caller.may("admin"):
        chosen = chosen.where(ApiKey.user_id == tx.caller.id)
    row = (await tx.connection.execute(chosen)).one_or_none()
    if row is None:
        raise NotFound("There is no key with this id in this account.")
    return row
