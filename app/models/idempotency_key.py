"""idempotency_keys: the answers of calls that carried an Idempotency-Key, so that a repeat repeats nothing."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Model, OfAccount, Stamp


class IdempotencyKey(OfAccount, Model):
    __tablename__ = "idempotency_keys"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        CheckConstraint("octet_length(body_sha256) = 32", "body_sha256"),
        CheckConstraint("octet_length(answer) <= 8388608", "answer"),
        Index(None, "account_id", "created_at"),
    )

    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Stamp]
    completed_at: Mapped[datetime | None]
