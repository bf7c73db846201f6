"""session_days: which sessions had messages on which local day, so that distinct counts stay exact."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Model, Total
from app.models.rollup import Rollup


class SessionDay(Rollup, Model):
    __tablename__ = "session_days"

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    messages: Mapped[Total]
