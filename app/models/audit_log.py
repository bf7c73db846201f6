"""audit_log: who read and changed what, never what it said."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Identified, Keyword, Label, Model, Stamp


class AuditLog(Identified, Model):
    __tablename__ = "audit_log"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        Index("ix_audit_log_at", "account_id", text("at DESC"), text("id DESC")),
        Index("ix_audit_log_user_at", "account_id", "user_id", text("at DESC"), text("id DESC")),
    )

    at: Mapped[Stamp]
    user_id: Mapped[UUID | None]
    action: Mapped[Label]
    resource: Mapped[Label | None]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    result: Mapped[Keyword]
    status: Mapped[int | None]
    duration_ms: Mapped[int | None]
    client_kind: Mapped[Keyword]
    ip: Mapped[Label | None]
    request_id: Mapped[Label | None]
