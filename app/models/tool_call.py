"""tool_calls: one use of a tool by an agent: its name, outcome and duration."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Flag, Identified, Keyword, Label, Model, Stamp, between


class ToolCall(Identified, Model):
    __tablename__ = "tool_calls"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "session_id"], ["ai_sessions.account_id", "ai_sessions.id"], ondelete="CASCADE"
        ),
        CheckConstraint("status IN ('running', 'success', 'error')", "status"),
        Index(
            "ix_tool_calls_counted",
            "account_id",
            "occurred_at",
            postgresql_include=["name", "user_id", "is_error", "duration_ms"],
        ),
        Index(None, "account_id", "session_id"),
    )

    session_id: Mapped[UUID]
    session_key: Mapped[Label | None]
    user_id: Mapped[UUID | None]
    message_id: Mapped[Label | None]
    name: Mapped[Label | None]
    status: Mapped[Keyword] = mapped_column(server_default=text("'success'"))
    is_error: Mapped[Flag]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    # When Tally first heard of it: dates the calls whose producer gave no time.
    received_at: Mapped[Stamp]
    occurred_at: Mapped[datetime] = mapped_column(
        Computed("coalesce(started_at, completed_at, received_at)", persisted=True)
    )
    given_duration_ms: Mapped[int | None]
    duration_ms: Mapped[int | None] = mapped_column(Computed(between("given_duration_ms"), persisted=True))
