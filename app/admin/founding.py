"""What an operator does from outside: found an account, list accounts, add the first members, make a key.

Each change is on the account's record, in its own transaction, as the operator's.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import insert, select, update

from app import audit
from app.admin.account import Zone
from app.admin.users import Email
from app.auth.caller import Role
from app.auth.keys import Secret, make
from app.db.engine import NOBODY, Database, Tx
from app.db.ids import new_id
from app.models.account import Account
from app.models.account_directory import AccountDirectory
from app.models.account_version import AccountVersion
from app.models.api_key import ApiKey
from app.models.user import User
from app.web.answers import rule
from app.web.problems import Conflict, NotFound, Unprocessable
from app.web.schema import Name

# Without letters and digits that people confuse when they read a code aloud.
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def checked(kind: Any, value: object, what: str) -> Any:
    """The same rules as over HTTP, in a sentence for a terminal."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise Unprocessable(f"{what}: {rule(error.errors()[0])}.") from None


async def create_account(database: Database, name: str, timezone: str = "UTC") -> dict[str, Any]:
    """A new account, without members yet."""
    values = {
        "id": new_id(),
        "name": checked(Name, name, "Name"),
        "timezone": checked(Zone, timezone, "Time zone"),
        "display_code": "".join(secrets.choice(CODE_LETTERS) for _ in range(8)),
    }
    async with database.transaction(values["id"]) as tx:
        await tx.connection.execute(insert(AccountDirectory).values(account_id=values["id"]))
        await tx.connection.execute(insert(Account).values(**values, workspace_salt=secrets.token_bytes(32)))
        await tx.connection.execute(insert(AccountVersion).values(account_id=values["id"]))
        await audit.record_own(tx, audit.OPERATOR, "account.create", values["id"], timezone=values["timezone"])
    return values


async def account_ids(database: Database) -> list[UUID]:
    """Every account: the directory holds ids alone and belongs to nobody."""
    async with database.transaction(NOBODY, read_only=True) as tx:
        rows = await tx.connection.execute(select(AccountDirectory.account_id).order_by(AccountDirectory.account_id))
        return list(rows.scalars())


async def read_accounts(database: Database) -> AsyncIterator[dict[str, Any]]:
    """Each account as it sees itself: entered one by one, like anyone does."""
    shown = select(Account.id, Account.name, Account.display_code, Account.timezone, Account.created_at)
    for account in await account_ids(database):
        async with database.transaction(account, read_only=True) as tx:
            row = (await tx.connection.execute(shown.where(Account.id == account))).one_or_none()
        if row is not None:
            yield dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping


async def add_user(database: Database, account: UUID, email: str, role: Role, name: str = "") -> dict[str, Any]:
    """A new member, of any role: the operator founds the first owner."""
    values = {
        "account_id": account,
        "id": new_id(),
        "email": checked(Email, email, "E-mail"),
        "name": checked(Name, name or email.partition("@")[0], "Name"),
        "account_role": role,
    }
    async with database.transaction(account) as tx:
        await require_account(tx)
        taken = select(User.id).where(User.account_id == account, User.email == values["email"])
        if await tx.connection.scalar(taken):
            raise Conflict("This account already has a member with this e-mail address.")
        await tx.connection.execute(insert(User).values(values))
        await audit.record_own(tx, audit.OPERATOR, "user.create", values["id"], account_role=role)
    return values


async def require_account(tx: Tx) -> None:
    if not await tx.connection.scalar(select(Account.id).where(Account.id == tx.account)):
        raise NotFound("There is no account with this id; `tally account list` shows them.")


async def zone_of(tx: Tx) -> str:
    await require_account(tx)
    return str(await tx.connection.scalar(select(Account.timezone).where(Account.id == tx.account)))


async def find_user(database: Database, user: UUID) -> dict[str, Any]:
    """A member by id alone: every account is asked, one by one."""
    for account in await account_ids(database):
        async with database.transaction(account, read_only=True) as tx:
            chosen = select(User.account_id, User.id, User.email, User.account_role, User.active)
            row = (await tx.connection.execute(chosen.where(User.account_id == account, User.id == user))).one_or_none()
        if row is not None:
            return dict(row._mapping)  # noqa: SLF001
    raise NotFound("There is no member with this id.")


async def find_member(database: Database, account: UUID, who: str) -> UUID:
    """A member of one account, by id or by e-mail."""
    async with database.transaction(account, read_only=True) as tx:
        await require_account(tx)
        named = User.email == who.strip().lower()
        with contextlib.suppress(ValueError):
            named = User.id == UUID(who)
        found: UUID | None = await tx.connection.scalar(select(User.id).where(User.account_id == account, named))
    if found is None:
        raise NotFound("This account has no such member: give --user an id or an e-mail address of one.")
    return found


async def change_user(database: Database, user: UUID, **values: object) -> dict[str, Any]:
    """Give a member another role, or deactivate them. The account keeps an owner."""
    member = await find_user(database, user)
    account = member["account_id"]
    async with database.transaction(account) as tx:
        owned = User.account_id == account, User.account_role == "owner", User.active
        owners = (
            await tx.connection.execute(select(User.id).where(*owned).order_by(User.id).with_for_update())
        ).scalars()
        await tx.connection.execute(update(User).where(User.account_id == account, User.id == user).values(values))
        left = await tx.connection.scalar(select(User.id).where(*owned).limit(1))
        if left is None and user in set(owners):
            raise Conflict("This is the account's last owner: make somebody else an owner first.")
        await audit.record_own(tx, audit.OPERATOR, "user.change", user, **values)
    return {**member, **values}


async def create_key(database: Database, user: UUID, name: str = "made by the operator") -> tuple[UUID, Secret]:
    """A key of a member; its text exists in this answer alone."""
    member = await find_user(database, user)
    if not member["active"]:
        raise Conflict("This member is not active: a key of theirs would open nothing.")
    secret, key_id = make(member["account_id"]), new_id()
    values = {"account_id": member["account_id"], "id": key_id, "user_id": user, "name": checked(Name, name, "Name")}
    async with database.transaction(member["account_id"]) as tx:
        await tx.connection.execute(insert(ApiKey).values(**values, sha256=secret.sha256, hint=secret.hint))
        await audit.record_own(tx, audit.OPERATOR, "key.create", key_id, user_id=str(user))
    return key_id, secret


async def revoke_key(database: Database, account: UUID, key_id: UUID, at: object) -> None:
    async with database.transaction(account) as tx:
        mine = update(ApiKey).where(ApiKey.account_id == account, ApiKey.id == key_id)
        user = await tx.connection.scalar(mine.values(revoked_at=at).returning(ApiKey.user_id))
        if user is None:
            raise NotFound("There is no such key in this account.")
        await audit.record_own(tx, audit.OPERATOR, "key.revoke", key_id, user_id=str(user))
