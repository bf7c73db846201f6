"""POST /api/v1/auth/token: an API key for a short-lived token."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select, update

from app.auth.caller import Door
from app.auth.guard import GuardedRoute
from app.auth.keys import Secret, parse
from app.auth.profile import Profile
from app.db.engine import Database
from app.models.account import Account
from app.models.api_key import ApiKey
from app.models.user import User
from app.web.problems import Unauthorized, Unavailable
from app.web.schema import Body, Shape, problems

router = APIRouter(prefix="/api/v1/auth", tags=["sign-in"], route_class=GuardedRoute)


class KeyOffer(Body):
    api_key: str = Field(min_length=1, max_length=200, examples=["tly_…"])


class Token(Shape):
    access_token: str
    token_type: str = Field(default="bearer", examples=["bearer"])
    expires_in: int = Field(description="Seconds.", examples=[3600])
    # A page that signs in needs role and zone before it can ask its first question: here they cost it no wait.
    me: Profile = Field(description="Whose key it is, as GET /me tells.")


@router.post("/token", responses=problems(401, 429))
async def exchange_key(request: Request, offer: KeyOffer) -> Token:
    """Exchange an API key for a bearer token. Needs no other credentials."""
    door: Door = request.app.state.door
    request.state.headers.update(door.limits.take(("address", request.client and request.client.host)))
    if not door.authority.can_issue:
        raise Unavailable("This server signs no tokens: use one of your identity provider.", retry_after=3600)
    key = parse(offer.api_key)
    if key is None:
        raise Unauthorized
    # Whose key it claims to be: such a refusal is on record in that account, if there is one.
    request.state.caller["account_id"] = str(key.account_id)
    key_id, me = await owner_of(door.database, key)
    request.state.caller["user_id"] = str(me.id)
    token = door.authority.issue(me.id, me.account_id, key_id=key_id)
    return Token(access_token=token, expires_in=door.token_seconds, me=me)


async def owner_of(database: Database, key: Secret) -> tuple[UUID, Profile]:
    """The key's id and whose key it is, noting that it was used. Raises Unauthorized for an unknown or revoked one."""
    owner = (
        select(
            ApiKey.id.label("key_id"),
            User.id,
            User.email,
            User.name,
            User.account_role,
            Account.name.label("account_name"),
            Account.timezone,
        )
        .select_from(ApiKey)
        .join(User, (User.account_id == ApiKey.account_id) & (User.id == ApiKey.user_id))
        .join(Account, Account.id == ApiKey.account_id)
        .where(
            Account.id == key.account_id,
            Account.closing_at.is_(None),
            ApiKey.account_id == key.account_id,
            User.account_id == key.account_id,
            ApiKey.sha256 == key.sha256,
            ApiKey.revoked_at.is_(None),
            User.active,
        )
    )
    async with database.transaction(key.account_id) as tx:
        row = (await tx.connection.execute(owner)).mappings().one_or_none()
        if row is None:
            raise Unauthorized
        used = update(ApiKey).where(ApiKey.account_id == key.account_id, ApiKey.id == row["key_id"])
        await tx.connection.execute(used.values(last_used_at=datetime.now(UTC)))
    told = {name: value for name, value in row.items() if name != "key_id"}
    return row["key_id"], Profile(account_id=key.account_id, **told)
