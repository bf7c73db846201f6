"""users: the members of an account."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Identified, Keyword, Label, Model, Stamp


class User(Identified, Model):
    __tablename__ = "users"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        UniqueConstraint("account_id", "email"),
        CheckConstraint("email = lower(email)", "email_lower"),
        CheckConstraint("account_role IN ('viewer', 'engineer', 'admin', 'owner')", "account_role"),
    )

    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[Label]
    account_role: Mapped[Keyword]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    last_pull_at: Mapped[datetime | None]
    created_at: Mapped[Stamp]
    updated_at: Mapped[Stamp]
