"""tool_days: tool calls of one local day, by tool."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Label, Model, Total
from app.models.rollup import Rollup


class ToolDay(Rollup, Model):
    __tablename__ = "tool_days"

    name: Mapped[Label] = mapped_column(primary_key=True)
    calls: Mapped[Total]
    errors: Mapped[Total]
    timed: Mapped[Total]
    duration_ms: Mapped[Total]
