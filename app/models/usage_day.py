"""usage_days: messages of one local day, by agent, model and role."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Keyword, Label, Model
from app.models.rollup import Counted, Rollup


class UsageDay(Rollup, Counted, Model):
    __tablename__ = "usage_days"

    # '' stands for none: a key column cannot be null.
    agent_name: Mapped[Label] = mapped_column(primary_key=True)
    model_id: Mapped[Label] = mapped_column(primary_key=True)
    role: Mapped[Keyword] = mapped_column(primary_key=True)
