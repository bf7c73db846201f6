"""messages: one turn of a session: a person's, an agent's, the system's or a tool's. Numbers and names, no words."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Count, Flag, Identified, Instant, Keyword, Label, Micros, Model, between

# What reports count from facts (a partial day, another zone, a filter no rollup holds) without visiting the table.
COUNTED = [
    "role",
    "agent_name",
    "model_id",
    "user_id",
    "session_id",
    "is_error",
    "response_time_ms",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cost_micros",
]


class Message(Identified, Model):
    __tablename__ = "messages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "session_id"], ["ai_sessions.account_id", "ai_sessions.id"], ondelete="CASCADE"
        ),
        CheckConstraint("role IN ('user', 'assistant', 'system', 'tool')", "role"),
        CheckConstraint("status IN ('running', 'completed', 'failed')", "status"),
        Index("ix_messages_counted", "account_id", "created_at", postgresql_include=COUNTED),
        # Without a time: equal entries are kept once, which makes it a ninth of the size.
        Index(None, "account_id", "session_id"),
    )

    session_id: Mapped[UUID]
    # Only on rows with a global id: the producer's session id, whose order decides where such a row belongs.
    session_key: Mapped[Label | None]
    user_id: Mapped[UUID | None]
    role: Mapped[Keyword]
    status: Mapped[Keyword] = mapped_column(server_default=text("'completed'"))
    is_error: Mapped[Flag]
    error_kind: Mapped[Label | None]
    agent_name: Mapped[Label | None]
    model_id: Mapped[Label | None]
    provider: Mapped[Label | None]
    created_at: Mapped[Instant]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    # Given by the producer, else the time between start and end, whichever order those came in.
    given_response_ms: Mapped[int | None]
    response_time_ms: Mapped[int | None] = mapped_column(Computed(between("given_response_ms"), persisted=True))
    input_tokens: Mapped[Count]
    output_tokens: Mapped[Count]
    cache_read_tokens: Mapped[Count]
    cache_creation_tokens: Mapped[Count]
    # Of these, those kept an hour; null for none.
    cache_creation_1h_tokens: Mapped[int | None]
    # Of several reports of one call, whose tokens count: the smallest.
    usage_rank: Mapped[int | None]
    cost_micros: Mapped[Micros | None]
    price_version: Mapped[str | None] = mapped_column(String(30))
