"""account_hours: messages of one hour, in UTC, of the account as a whole: what days of any other zone are made of."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Instant, Model, OfAccount
from app.models.rollup import Counted


class AccountHour(OfAccount, Counted, Model):
    """`hour` is its first instant."""

    __tablename__ = "account_hours"

    hour: Mapped[Instant] = mapped_column(primary_key=True, sort_order=-1)
