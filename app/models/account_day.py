"""account_days: sessions created and sessions active on one local day."""

from sqlalchemy.orm import Mapped

from app.models.model import Model, Total
from app.models.rollup import Rollup


class AccountDay(Rollup, Model):
    __tablename__ = "account_days"

    sessions_created: Mapped[Total]
    sessions_active: Mapped[Total]
