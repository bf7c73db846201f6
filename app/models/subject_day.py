"""subject_days: one local day of the account as a whole, of an agent, a model, a tool or a member.

What a line of a report needs stands in one row a day: its numbers and the histogram of its durations.
"""

from decimal import Decimal

from sqlalchemy import CheckConstraint, Numeric, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Keyword, Label, Model, Total
from app.models.rollup import Counted, Rollup


class SubjectDay(Rollup, Counted, Model):
    __tablename__ = "subject_days"
    __table_args__ = (
        # The subject before the day: a report reads the days of one subject.
        PrimaryKeyConstraint("account_id", "subject", "day", "name"),
        CheckConstraint("subject IN ('account', 'agent', 'model', 'tool', 'member')", "subject"),
    )

    subject: Mapped[Keyword] = mapped_column(primary_key=True)
    # '' for the account, and for what names no agent or tool or belongs to no member; a member by id.
    name: Mapped[Label] = mapped_column(primary_key=True)
    sessions_created: Mapped[Total]
    sessions_active: Mapped[Total]
    # Of the account alone: by the day each was updated last.
    sessions_updated: Mapped[Total]
    # Counts by bucket as digits of one number (app/facts/latency.py), so that histograms add up as numbers do.
    histogram: Mapped[Decimal] = mapped_column(Numeric, server_default=text("0"))
