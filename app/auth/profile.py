"""Who a caller is, as they are told: by GET /api/v1/me, and with a token for their key."""

from uuid import UUID

from pydantic import Field

from app.auth.caller import Role
from app.web.schema import Shape


class Profile(Shape):
    id: UUID
    email: str
    name: str
    account_role: Role
    account_id: UUID
    account_name: str
    timezone: str = Field(description="The account's zone, whose days reports count in.")
