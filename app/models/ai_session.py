"""ai_sessions: one conversation or run of agents, with the totals of what belongs to it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Count, Flag, Identified, Label, Model, Said, Stamp, Total

ALL_TOKENS = "input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens"


class AISession(Identified, Model):
    __tablename__ = "ai_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"]),
        Index(None, "account_id", "created_at", "id"),
        Index(None, "account_id", "updated_at", "id"),
        Index(None, "account_id", "user_id", "created_at", "id"),
        # When a member was last active, and on which days with how many sessions, from the index alone.
        Index("ix_ai_sessions_activity", "account_id", "user_id", "last_activity_at", "first_activity_at", "id"),
        # A member's largest sessions.
        Index("ix_ai_sessions_largest", "account_id", "user_id", text(f"({ALL_TOKENS})"), "id"),
    )

    external_id: Mapped[Label | None]
    user_id: Mapped[UUID | None]
    session_type: Mapped[Label | None]
    intake_type: Mapped[Label | None]
    status: Mapped[Label | None]
    confidence_tier: Mapped[Label | None]
    provider: Mapped[Label | None]
    model: Mapped[Label | None]
    workspace: Mapped[Label | None]
    created_at: Mapped[Stamp]
    updated_at: Mapped[Stamp]
    # True until a session row arrives: so far only its messages, calls or steps named it.
    is_stub: Mapped[Flag]

    # When each was said last, so that reports in any order end alike; 1970 for a user who only happened to send.
    user_id_at: Mapped[Said]
    session_type_at: Mapped[Said]
    intake_type_at: Mapped[Said]
    status_at: Mapped[Said]
    confidence_tier_at: Mapped[Said]
    provider_at: Mapped[Said]
    model_at: Mapped[Said]
    workspace_at: Mapped[Said]

    # Totals, kept by the writer of facts in the transaction that changes them.
    user_messages: Mapped[Count]
    assistant_messages: Mapped[Count]
    other_messages: Mapped[Count]
    error_count: Mapped[Count]
    tool_calls: Mapped[Count]
    tool_errors: Mapped[Count]
    input_tokens: Mapped[Total]
    output_tokens: Mapped[Total]
    cache_read_tokens: Mapped[Total]
    cache_creation_tokens: Mapped[Total]
    cost_micros: Mapped[Total]
    unpriced_messages: Mapped[Count]
    models: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    first_activity_at: Mapped[datetime | None]
    last_activity_at: Mapped[datetime | None]
    active_us: Mapped[Total]
