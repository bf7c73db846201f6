"""processor_state: how far one processor has come with one log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKeyConstraint, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Count, Label, Model, OfAccount, Total


class ProcessorState(OfAccount, Model):
    __tablename__ = "processor_state"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "transcript_id"], ["transcripts.account_id", "transcripts.id"], ondelete="CASCADE"
        ),
        Index(
            "ix_processor_state_quarantined",
            "account_id",
            "processor",
            postgresql_where=text("quarantined_at IS NOT NULL"),
        ),
    )

    transcript_id: Mapped[UUID] = mapped_column(primary_key=True)
    processor: Mapped[str] = mapped_column(String(100), primary_key=True)
    version: Mapped[int]
    # What was read to its end; null while there is more to read.
    sha256: Mapped[str | None] = mapped_column(String(64))
    byte_offset: Mapped[Total]
    # As text, not as JSONB, which would forget the order: what was said last is remembered longest.
    carried: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    attempts: Mapped[Count]
    last_error: Mapped[Label | None]
    next_attempt_at: Mapped[datetime | None]
    quarantined_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]
    items: Mapped[Count]
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
