"""GET /api/v1/me: who the caller is."""

from fastapi import APIRouter

from app.auth.caller import ViewerCall
from app.auth.guard import GuardedRoute
from app.auth.profile import Profile

router = APIRouter(prefix="/api/v1/me", tags=["me"], route_class=GuardedRoute)


@router.get("")
async def read_me(caller: ViewerCall) -> Profile:
    """The caller, as the database knows them now."""
    return Profile(
        id=caller.id,
        email=caller.email,
        name=caller.name,
        account_role=caller.role,
        account_id=caller.account_id,
        account_name=caller.account_name,
        timezone=caller.timezone,
    )
