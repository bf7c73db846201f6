"""subject_weeks: the days of one local week, Monday to Sunday, added up, of what has histograms: agents, models, tools.

To add up a month of histograms is most of what their reports cost; a month of weeks and a few days is a third of it.
"""

from decimal import Decimal

from sqlalchemy import CheckConstraint, Numeric, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Keyword, Label, Model
from app.models.rollup import Counted, Rollup


class SubjectWeek(Rollup, Counted, Model):
    """`day` is the Monday."""

    __tablename__ = "subject_weeks"
    __table_args__ = (
        PrimaryKeyConstraint("account_id", "subject", "day", "name"),
        CheckConstraint("subject IN ('agent', 'model', 'tool')", "subject"),
    )

    subject: Mapped[Keyword] = mapped_column(primary_key=True)
    name: Mapped[Label] = mapped_column(primary_key=True)
    histogram: Mapped[Decimal] = mapped_column(Numeric, server_default=text("0"))
