"""session_handoffs: an agent handed a session to a person; when it did, when a person claimed it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from app.models.model import Identified, Label, Model, Stamp


class SessionHandoff(Identified, Model):
    __tablename__ = "session_handoffs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "session_id"], ["ai_sessions.account_id", "ai_sessions.id"], ondelete="CASCADE"
        ),
        Index(None, "account_id", "claimed_at"),
        Index(None, "account_id", "created_at"),
        Index(None, "account_id", "session_id"),
    )

    session_id: Mapped[UUID]
    created_at: Mapped[Stamp]
    handed_off_by: Mapped[UUID | None]
    intent: Mapped[Label | None]
    priority: Mapped[Label | None]
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[UUID | None]
