"""latency_days: histograms of durations of one local day, by agent, model or tool.

One array a row (bucket, count, bucket, count …): a row per bucket made one new row for nearly every message.
"""

from sqlalchemy import ARRAY, CheckConstraint, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Keyword, Label, Model
from app.models.rollup import Rollup


class LatencyDay(Rollup, Model):
    __tablename__ = "latency_days"
    __table_args__ = (CheckConstraint("subject IN ('agent', 'model', 'tool')", "subject"),)

    subject: Mapped[Keyword] = mapped_column(primary_key=True)
    name: Mapped[Label] = mapped_column(primary_key=True)
    histogram: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))
