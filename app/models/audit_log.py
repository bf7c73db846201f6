"""audit_log: who read and changed what, never what it said."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Identified, Keyword, Label, Model, Stamp

# Said in statements by the same words: only then does PostgreSQL use the index.
QUERIES = "starts_with(action, 'query.')"
SYNCS = "action IN ('sync.trigger', 'manifest.fetch')"


class AuditLog(Identified, Model):
    __tablename__ = "audit_log"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        Index("ix_audit_log_at", "account_id", text("at DESC"), text("id DESC")),
        Index("ix_audit_log_user_at", "account_id", "user_id", text("at DESC"), text("id DESC")),
        Index("ix_audit_log_action_at", "account_id", "action", text("at DESC"), text("id DESC")),
        # What a member sees of it, however much else there is of theirs.
        Index(
            "ix_audit_log_queries",
            "account_id",
            "user_id",
            text("at DESC"),
            text("id DESC"),
            postgresql_where=text(QUERIES),
        ),
        Index(
            "ix_audit_log_syncs",
            "account_id",
            "user_id",
            text("at DESC"),
            text("id DESC"),
            postgresql_where=text(SYNCS),
        ),
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
