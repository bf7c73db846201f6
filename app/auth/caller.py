"""The signature says who may call: role, account and transaction in one type.

    async def read_usage(tx: EngineerTx, …) -> UsageReport

`tx` is open, belongs to the caller's account, and is committed before the answer leaves. The role is read from the
database on every request, so that a demotion, a deactivation or a revoked key acts at once.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.params import Security
from fastapi.security.base import SecurityBase
from sqlalchemy import bindparam, exists, func, literal_column, select
from starlette.responses import Response

from app.auth.limits import Limits
from app.auth.looks import Looks
from app.auth.tokens import Claims, TokenAuthority
from app.db.engine import NOBODY, Database, Tx
from app.db.statement import Prepared
from app.models.account import Account
from app.models.account_version import AccountVersion
from app.models.api_key import ApiKey
from app.models.user import User
from app.web.problems import Forbidden, Unauthorized

Handler = Callable[[Request], Awaitable[Response]]
Role = Literal["viewer", "engineer", "admin", "owner"]
# Of members one by one, people below admin see: all; none where a filter leaves a small group; themselves alone.
MemberDetail = Literal["all", "groups", "own"]
ROLES: tuple[Role, ...] = ("viewer", "engineer", "admin", "owner")
# What a refusal names: the roles a person is normally given; an owner may do whatever an admin may.
NEEDED: dict[Role, str] = {
    "viewer": "viewer, engineer or admin",
    "engineer": "engineer or admin",
    "admin": "admin",
    "owner": "owner",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The person, or the program acting for one, as the database knows them now."""

    account_id: UUID
    id: UUID
    role: Role
    email: str
    name: str
    key_id: UUID | None
    account_name: str
    timezone: str
    # Of the account's facts: read along, so that a report that is known already costs no statement of its own.
    version: int
    changed_at: datetime | None
    member_detail: MemberDetail = "groups"
    facts_from: datetime | None = None

    @property
    def is_walled(self) -> bool:
        """Shown nobody but oneself."""
        return self.member_detail == "own" and not self.may("admin")

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)

    def require(self, role: Role) -> None:
        if not self.may(role):
            raise Forbidden(f"This needs the {NEEDED[role]} role.")


@dataclass(frozen=True, slots=True)
class CallerTx(Tx):
    """The caller's transaction."""

    caller: Caller
    request_id: str
    client_kind: str
    ip: str | None

    @property
    def is_open(self) -> bool:
        return self.driver is not None

    @classmethod
    def of(cls, tx: Tx, caller: Caller, request: Request) -> Self:
        """Who asks, and how the request says it came."""
        said = request.scope["state"]
        return cls(
            caller.account_id, tx.connection, tx.driver, caller, said["request_id"], said["client_kind"], said["ip"]
        )


# A transaction that ended: nothing can be read in it.
OVER = Tx(NOBODY, None, None)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Door:
    """What stands between a request and a transaction; one per application."""

    database: Database
    looks: Looks[Caller]
    authority: TokenAuthority
    limits: Limits
    token_seconds: int


# Two statements, so that the plain one stays plain: most tokens belong to no key.
_user = (
    select(
        User.id,
        User.account_role.label("role"),
        User.email,
        User.name,
        Account.name.label("account_name"),
        Account.timezone,
        func.coalesce(AccountVersion.version, literal_column("0")).label("version"),
        AccountVersion.changed_at,
        AccountVersion.facts_from,
        Account.member_detail,
    )
    .join(Account, Account.id == User.account_id)
    .join(AccountVersion, AccountVersion.account_id == bindparam("account"), isouter=True)
    .where(
        Account.id == bindparam("account"),
        User.account_id == bindparam("account"),
        User.id == bindparam("user"),
        User.active,
        Account.closing_at.is_(None),
    )
)
_key_lives = exists().where(
    ApiKey.account_id == bindparam("account"),
    ApiKey.user_id == bindparam("user"),
    ApiKey.id == bindparam("key"),
    ApiKey.revoked_at.is_(None),
)
USER = Prepared(_user)
USER_OF_KEY = Prepared(_user.where(_key_lives))


async def read_caller(tx: Tx, claims: Claims) -> Caller:
    """Raises Unauthorized for a member who is gone or inactive, and for a revoked key."""
    if claims.key_id is None:
        row = await USER.one(tx, user=claims.user_id)
    else:
        row = await USER_OF_KEY.one(tx, user=claims.user_id, key=claims.key_id)
    if row is None:
        raise Unauthorized
    return Caller(account_id=tx.account, key_id=claims.key_id, **row)


def bearer(request: Request) -> str:
    """The one token offered: of two, a proxy and we might each believe another."""
    offered = [value for name, value in request.scope["headers"] if name == b"authorization"]
    scheme, _, token = offered[0].partition(b" ") if len(offered) == 1 else (b"", b"", b"")
    if scheme.lower() != b"bearer" or not token:
        raise Unauthorized
    return token.decode("latin-1")


class Gate(SecurityBase):
    """Lets one role and those above it in, with a transaction; in OpenAPI, bearer security.

    The route asks it (guard.py): what a dependency opens, the framework closes at a price (measured: 90 µs).
    """

    def __init__(self, role: Role, *, read_only: bool) -> None:
        self.role = role
        self.read_only = read_only
        self.model = HTTPBearerModel(
            bearerFormat="JWT", description="A token, from your identity provider or /auth/token."
        )
        self.scheme_name = "Bearer"

    async def __call__(self, request: Request) -> CallerTx:
        """What the handler is given: the transaction it runs in."""
        tx: CallerTx = request.scope["state"]["tx"]
        return tx

    async def identify(self, request: Request) -> Claims:
        """Whose token it is, while they do not call too often."""
        door: Door = request.app.state.door
        claims = await door.authority.verify(bearer(request))
        # Known from here on, for the log and the audit, also where they are refused.
        said = request.scope["state"]
        said["caller"].update(claims.named)
        said["headers"].update(door.limits.take((claims.account_id, claims.key_id or claims.user_id)))
        return claims

    async def run(self, handle: Handler, request: Request, claims: Claims) -> Response:
        """The answer, once it is committed."""
        door: Door = request.app.state.door
        account, mode = claims.account_id, {"read_only": self.read_only, "snapshot": self.read_only}
        async with door.database.transaction(account, **mode) as tx:
            caller = await read_caller(tx, claims)
            caller.require(self.role)
            request.scope["state"]["tx"] = CallerTx.of(tx, caller, request)
            return await handle(request)


class Changed(Exception):
    """What the caller has holds no more: a transaction is needed to answer."""


class Look(Gate):
    """Who calls without a transaction of their own: looked up together with others who call just now."""

    async def look(self, request: Request, claims: Claims) -> CallerTx:
        """In which nothing can be read: it is over."""
        door: Door = request.app.state.door
        caller = await door.looks.at(claims)
        caller.require(self.role)
        return CallerTx.of(OVER, caller, request)


class Call(Look):
    """Says who calls: for work that opens its own transactions, and may have to repeat them, or needs none."""

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        tx = await super().__call__(request)
        return tx.caller

    async def run(self, handle: Handler, request: Request, claims: Claims) -> Response:
        request.scope["state"]["tx"] = await self.look(request, claims)
        return await handle(request)


class Tagged(Look):
    """For what callers may have already, which their own row tells: a transaction only where it changed."""

    async def run(self, handle: Handler, request: Request, claims: Claims) -> Response:
        if "if-none-match" in request.headers:
            request.scope["state"]["tx"] = await self.look(request, claims)
            with suppress(Changed):
                return await handle(request)
        return await super().run(handle, request, claims)


def admit(role: Role, *, read_only: bool = True) -> Any:
    # The scopes are how OpenAPI names roles.
    return Security(Gate(role, read_only=read_only), scopes=[role])


ViewerTx = Annotated[CallerTx, admit("viewer")]
ViewerChange = Annotated[CallerTx, admit("viewer", read_only=False)]
ViewerCall = Annotated[Caller, Security(Call("viewer", read_only=True), scopes=["viewer"])]
OwnerCall = Annotated[Caller, Security(Call("owner", read_only=True), scopes=["owner"])]
AdminCall = Annotated[Caller, Security(Call("admin", read_only=True), scopes=["admin"])]
EngineerTx = Annotated[CallerTx, admit("engineer")]
EngineerTagged = Annotated[CallerTx, Security(Tagged("engineer", read_only=True), scopes=["engineer"])]
AdminTx = Annotated[CallerTx, admit("admin")]
AdminChange = Annotated[CallerTx, admit("admin", read_only=False)]
OwnerChange = Annotated[CallerTx, admit("owner", read_only=False)]
