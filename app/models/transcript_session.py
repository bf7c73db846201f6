"""transcript_sessions: which sessions a log speaks of."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Count, Model, OfAccount


class TranscriptSession(OfAccount, Model):
    __tablename__ = "transcript_sessions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "transcript_id"], ["transcripts.account_id", "transcripts.id"], ondelete="CASCADE"
        ),
        # No key to ai_sessions: a log may be read before its rows are in, or kept after retention took them.
        Index(None, "account_id", "session_id"),
    )

    transcript_id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    # Counts by log, as written before signals were told apart: read by nobody, to be dropped by the next release.
    interruptions: Mapped[Count]
    rejected_tools: Mapped[Count]
    api_errors: Mapped[Count]
    retries: Mapped[Count]
    compactions: Mapped[Count]
    commands: Mapped[Count]
    skills: Mapped[Count]
    sub_agents: Mapped[Count]
