"""journal_sessions: which sessions a journal tells of, so that what came from it can be cleared."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Model, OfAccount


class JournalSession(OfAccount, Model):
    __tablename__ = "journal_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "journal_id"], ["journals.account_id", "journals.id"], ondelete="CASCADE"),
        # No key to ai_sessions: retention and erasure take sessions without asking journals.
        Index(None, "account_id", "session_id"),
    )

    journal_id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(primary_key=True)
