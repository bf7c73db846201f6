"""accounts: one company that uses Tally."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Flag, Keyword, Label, Model, Stamp


class Account(Model):
    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("retention_days BETWEEN 0 AND 36500", "retention_days"),
        CheckConstraint("audit_days BETWEEN 0 AND 36500", "audit_days"),
        CheckConstraint("octet_length(workspace_salt) = 32", "workspace_salt"),
        CheckConstraint("workspace_labels IN ('full_path', 'hashed', 'basename_only')", "workspace_labels"),
        CheckConstraint("member_detail IN ('all', 'groups', 'own')", "member_detail"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[Label]
    display_code: Mapped[Keyword]
    timezone: Mapped[str] = mapped_column(String(64), server_default=text("'UTC'"))
    retention_days: Mapped[int] = mapped_column(server_default=text("0"))
    audit_days: Mapped[int] = mapped_column(server_default=text("400"))
    workspace_labels: Mapped[Keyword] = mapped_column(server_default=text("'basename_only'"))
    # Keys the hashes of 'hashed' workspace labels, so that equal paths of two accounts stay unlinkable.
    workspace_salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    create_members: Mapped[Flag]
    created_at: Mapped[Stamp]
    updated_at: Mapped[Stamp]
    # Whether raw logs stay once every processor has read them, and whether they may come in at all.
    keep_transcripts: Mapped[bool] = mapped_column(server_default=text("true"))
    allow_raw_uploads: Mapped[bool] = mapped_column(server_default=text("true"))
    # What people below admin see of others, one by one.
    member_detail: Mapped[Keyword] = mapped_column(server_default=text("'groups'"))
    # Since when it is closed to its members and being deleted.
    closing_at: Mapped[datetime | None]
