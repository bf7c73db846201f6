"""job_leases: who is at a job of an account now, when it is due again, and how it ended last."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.job_run import OUTCOME
from app.models.model import Keyword, Label, Model, OfAccount, Stamp, Total


class JobLease(OfAccount, Model):
    __tablename__ = "job_leases"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        CheckConstraint(
            "(holder IS NULL) = (expires_at IS NULL) AND (holder IS NULL) = (claimed_at IS NULL)", "holder"
        ),
        CheckConstraint(OUTCOME, "outcome"),
    )

    job: Mapped[str] = mapped_column(String(120), primary_key=True)
    due_at: Mapped[Stamp]
    # The run that is on: its number, when it began, and until when nobody else may begin one.
    holder: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    # The run before.
    began_at: Mapped[datetime | None]
    duration_ms: Mapped[int | None]
    outcome: Mapped[Keyword | None]
    items: Mapped[Total]
    fault: Mapped[Label | None]
