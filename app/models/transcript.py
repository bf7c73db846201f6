"""transcripts: session logs by their names; the files themselves lie in the store, or never left their machine."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Count, Identified, Keyword, Label, Micros, Model, Stamp


class Transcript(Identified, Model):
    __tablename__ = "transcripts"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"]),
        UniqueConstraint("account_id", "user_id", "name"),
        CheckConstraint("length(sha256) = 64", "sha256"),
        CheckConstraint("size >= 0", "size"),
        CheckConstraint("source IN ('upload', 'rows')", "source"),
        CheckConstraint("form IN ('claude_code', 'codex')", "form"),
        Index(None, "account_id", "user_id", "uploaded_at", "id"),
        # Those of a member that wait to be read.
        Index(
            "ix_transcripts_waiting",
            "account_id",
            "user_id",
            "uploaded_at",
            "id",
            postgresql_where=text("processed_at IS NULL"),
        ),
        Index(
            "ix_transcripts_kept",
            "account_id",
            "uploaded_at",
            "id",
            postgresql_where=text("storage_key IS NOT NULL"),
        ),
    )

    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(500))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[Micros]
    # 'rows': read on its owner's machine, which sent what it counted; the log itself was never sent.
    source: Mapped[Keyword]
    # Null: none of the formats we know.
    form: Mapped[Keyword | None]
    # Null: the raw file is not kept, or never was here.
    storage_key: Mapped[Label | None]
    uploaded_at: Mapped[Stamp]
    processed_at: Mapped[datetime | None]
    # Of the parsers, where rows were sent; 0 of who did not say.
    reader_version: Mapped[Count]
