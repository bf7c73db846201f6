"""account_versions: grows with every change of an account's facts; what reports' ETags and data_as_of are made of."""

from sqlalchemy.orm import Mapped

from app.models.model import Model, OfAccount, Stamp, Total


class AccountVersion(OfAccount, Model):
    __tablename__ = "account_versions"

    version: Mapped[Total]
    changed_at: Mapped[Stamp]
