"""ai_session_steps: one step of a guided session."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped

from app.models.model import Flag, Identified, Label, Model, Stamp


class AISessionStep(Identified, Model):
    __tablename__ = "ai_session_steps"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "session_id"], ["ai_sessions.account_id", "ai_sessions.id"], ondelete="CASCADE"
        ),
        Index(None, "account_id", "session_id", "created_at"),
        Index(None, "account_id", "created_at"),
    )

    session_id: Mapped[UUID]
    created_at: Mapped[Stamp]
    step_order: Mapped[int | None]
    step_type: Mapped[Label | None]
    confidence_at_step: Mapped[float | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    is_fork_point: Mapped[Flag]
    was_free_text: Mapped[Flag]
    was_skipped: Mapped[Flag]
