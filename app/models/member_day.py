"""member_days: messages of one local day, by member and model."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Label, Model
from app.models.rollup import Counted, Rollup


class MemberDay(Rollup, Counted, Model):
    __tablename__ = "member_days"

    # The nil UUID and '' stand for none: a key column cannot be null.
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    model_id: Mapped[Label] = mapped_column(primary_key=True)
