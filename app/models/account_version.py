"""account_versions: grows with every change of an account's facts; what reports' ETags and data_as_of are made of."""

from datetime import datetime

from sqlalchemy.orm import Mapped

from app.models.model import Model, OfAccount, Stamp, Total


class AccountVersion(OfAccount, Model):
    __tablename__ = "account_versions"

    version: Mapped[Total]
    changed_at: Mapped[Stamp]
    # Facts before this are gone by retention: what the rollups say of older days stands, and nothing older comes in.
    facts_from: Mapped[datetime | None]
    # Days that begin before this hold more than can be counted anew: of a day that was cut when the zone changed, a
    # part stands in a day of the zone before.
    counted_from: Mapped[datetime | None]
