"""job_runs: the last runs of a job that did something or went wrong; older ones are pruned as new ones come."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Identified, Keyword, Label, Model, Total

OUTCOME = "outcome IN ('done', 'differs', 'partly', 'failed', 'stopped', 'lost')"


class JobRun(Identified, Model):
    __tablename__ = "job_runs"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        CheckConstraint(OUTCOME, "outcome"),
        Index(None, "account_id", "job", "id"),
    )

    job: Mapped[str] = mapped_column(String(120))
    began_at: Mapped[datetime]
    duration_ms: Mapped[int | None]
    outcome: Mapped[Keyword]
    items: Mapped[Total]
    fault: Mapped[Label | None]
