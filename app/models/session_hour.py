"""session_hours: which sessions had messages in which hour, in UTC, so that those of any zone's day are exact."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Instant, Model, OfAccount, Total


class SessionHour(OfAccount, Model):
    """`hour` is its first instant."""

    __tablename__ = "session_hours"

    hour: Mapped[Instant] = mapped_column(primary_key=True, sort_order=-1)
    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    messages: Mapped[Total]
