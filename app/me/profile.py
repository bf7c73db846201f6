"""GET /api/v1/me: who the caller is."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from app.auth.caller import Role, ViewerTx
from app.auth.guard import GuardedRoute
from app.web.schema import Shape

router = APIRouter(prefix="/api/v1/me", tags=["me"], route_class=GuardedRoute)


class Profile(Shape):
    id: UUID
    email: str
    name: str
    account_role: Role
    account_id: UUID
    account_name: str
    timezone: str = Field(description="The account's zone, whose days reports count in.")


@router.get("")
async def read_me(tx: ViewerTx) -> Profile:
    """The caller, as the database knows them now."""
    caller = tx.caller
    return Profile(
        id=caller.id,
        email=caller.email,
        name=caller.name,
        account_role=caller.role,
        account_id=caller.account_id,
        account_name=caller.account_name,
        timezone=caller.timezone,
    )
