"""transcript_signals: what went wrong in sessions, each by the id of the line that tells of it, and which logs do."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Keyword, Model, OfAccount


class TranscriptSignal(OfAccount, Model):
    __tablename__ = "transcript_signals"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "transcript_id"], ["transcripts.account_id", "transcripts.id"], ondelete="CASCADE"
        ),
        CheckConstraint(
            "name IN ('interruptions', 'rejected_tools', 'api_errors', 'retries', 'compactions', 'commands', 'skills',"
            " 'sub_agents')",
            "name",
        ),
        # No key to ai_sessions, as for the sessions that a log tells of.
        Index(None, "account_id", "session_id"),
        # A resumed session's log repeats what another's tells: both have the same id.
        Index("ix_transcript_signals_repeated", "account_id", "id", "session_id"),
    )

    transcript_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID]
    name: Mapped[Keyword]
