"""api_keys: what a program exchanges for a token. The key itself is nowhere, only its SHA-256."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Identified, Keyword, Label, Model, Stamp


class ApiKey(Identified, Model):
    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"),
        CheckConstraint("octet_length(sha256) = 32", "sha256"),
        Index("uq_api_keys_sha256", "account_id", "sha256", unique=True),
        Index(None, "account_id", "user_id", "id"),
    )

    user_id: Mapped[UUID]
    name: Mapped[Label]
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    hint: Mapped[Keyword]
    created_at: Mapped[Stamp]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
