"""GET, POST /api/v1/users; GET, PATCH /api/v1/users/{user_id}: the members of the account."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import AfterValidator, Field, StrictBool
from sqlalchemy import Select, insert, select, true, tuple_, update

from app import audit
from app.auth.caller import AdminChange, AdminTx, Caller, CallerTx, Role
from app.auth.guard import GuardedRoute
from app.db.engine import Tx
from app.db.ids import new_id
from app.models.user import User
from app.web.paging import Cursors, Page, PageQuery
from app.web.problems import Conflict, NotFound
from app.web.schema import Body, Instant, Name, Shape, left_out, problems, without_nul

router = APIRouter(prefix="/api/v1/users", tags=["administration"], route_class=GuardedRoute)
cursors: Cursors[tuple[str, UUID]] = Cursors("users", tuple[str, UUID])


def as_email(text: str) -> str:
    """Not a grammar: one @ with something on either side, so that a slip is caught and no address is refused."""
    email = without_nul(text.strip().lower())
    name, _, domain = email.partition("@")
    if not name or not domain or "@" in domain or any(c.isspace() for c in email):
        raise ValueError("must be an e-mail address")
    return email


Email = Annotated[
    str,
    Field(min_length=3, max_length=254, examples=["ada@example.com"], json_schema_extra={"format": "email"}),
    AfterValidator(as_email),
]


class NewMember(Body):
    email: Email
    name: Name
    account_role: Role = "viewer"


class MemberChange(Body):
    """Fields left out stay as they are."""

    name: Name = Field(default_factory=left_out)
    account_role: Role = Field(default_factory=left_out)
    active: StrictBool = Field(default_factory=left_out)


class Member(Shape):
    id: UUID
    email: str
    name: str
    account_role: Role
    active: bool
    last_pull_at: Instant | None
    created_at: Instant
    updated_at: Instant


def members(account: UUID) -> Select[Any]:
    return select(*(User.__table__.c[name] for name in Member.model_fields)).where(User.account_id == account)


def members_after(account: UUID, key: tuple[str, UUID] | None, limit: int) -> Select[Any]:
    after = true() if key is None else tuple_(User.email, User.id) > key
    return members(account).where(after).order_by(User.email, User.id).limit(limit + 1)


def owners_locked(account: UUID) -> Select[Any]:
    """Locked in order, so that two owners who demote each other at once meet here."""
    owned = User.account_id == account, User.account_role == "owner", User.active
    return select(User.id).where(*owned).order_by(User.id).with_for_update()


@router.get("")
async def read_users(tx: AdminTx, page: Annotated[PageQuery, Query()]) -> Page[Member]:
    """The members of the account, by e-mail."""
    after = cursors.read(tx.account, page.cursor)
    rows = (await tx.connection.execute(members_after(tx.account, after, page.limit))).all()
    found = [Member.model_validate(row) for row in rows]
    return cursors.page(tx.account, found, page.limit, lambda member: (member.email, member.id))


@router.get("/{user_id}", responses=problems(404))
async def read_user(tx: AdminTx, user_id: UUID) -> Member:
    """One member."""
    return Member.model_validate(await find(tx, user_id))


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(409))
async def create_user(tx: AdminChange, member: NewMember) -> Member:
    """Add a member. Admins are added by an owner."""
    tx.caller.require(needed_for(member.account_role))
    if await tx.connection.scalar(members(tx.account).where(User.email == member.email)):
        raise Conflict("This account already has a member with this e-mail address.")
    values = {"account_id": tx.account, "id": new_id(), **member.model_dump()}
    await tx.connection.execute(insert(User).values(values))
    await audit.record(tx, "user.create", values["id"], account_role=member.account_role)
    return Member.model_validate(await find(tx, values["id"]))


@router.patch("/{user_id}", responses=problems(404, 409))
async def change_user(tx: AdminChange, user_id: UUID, change: MemberChange) -> Member:
    """Rename, change the role of, deactivate or reactivate a member. Admins are changed by an owner."""
    member = await find(tx, user_id)
    values = change.model_dump(exclude_unset=True)
    require_right_over(tx.caller, user_id, member.account_role)
    tx.caller.require(needed_for(change.account_role, of_self=user_id == tx.caller.id))
    if not values:
        return Member.model_validate(member)
    if member.account_role == "owner" and member.active:
        await keep_an_owner(tx, user_id, values)
    chosen = update(User).where(User.account_id == tx.account, User.id == user_id)
    await tx.connection.execute(chosen.values(**values, updated_at=datetime.now(UTC)))
    await audit.record(tx, "user.change", user_id, **{k: v for k, v in values.items() if k != "name"})
    return Member.model_validate(await find(tx, user_id))


async def find(tx: Tx, user_id: UUID) -> Any:
    """The member, or the one answer for a missing id and another account's."""
    row = (await tx.connection.execute(members(tx.account).where(User.id == user_id))).one_or_none()
    if row is None:
        raise NotFound("There is no member with this id in this account.")
    return row


def needed_for(role: Role | None, *, of_self: bool = False) -> Role:
    """Who may give a role: only owners make admins and owners; an admin may keep being one."""
    if role == "owner" or (role == "admin" and not of_self):
        return "owner"
    return "admin"


def require_right_over(caller: Caller, user_id: UUID, role: Role) -> None:
    """Other admins, and owners, are an owner's business; oneself and those below are an admin's."""
    if role in ("admin", "owner") and user_id != caller.id:
        caller.require("owner")


async def keep_an_owner(tx: CallerTx, user_id: UUID, values: dict[str, Any]) -> None:
    """The last owner can be neither removed nor demoted."""
    stays = values.get("account_role", "owner") == "owner" and values.get("active", True)
    if stays:
        return
    owners = (await tx.connection.execute(owners_locked(tx.account))).scalars().all()
    if set(owners) <= {user_id}:
        raise Conflict("This is the account's last owner: make somebody else an owner first.")
