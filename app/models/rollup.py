"""What every rollup shares: the account and its local day lead the key; numbers only ever add up."""

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import OfAccount, Total


class Rollup(OfAccount):
    day: Mapped[date] = mapped_column(primary_key=True, sort_order=-1)


class Counted:
    """What is counted of messages."""

    messages: Mapped[Total]
    errors: Mapped[Total]
    input_tokens: Mapped[Total]
    output_tokens: Mapped[Total]
    cache_read_tokens: Mapped[Total]
    cache_creation_tokens: Mapped[Total]
    timed: Mapped[Total]
    response_ms: Mapped[Total]
    cost_micros: Mapped[Total]
    unpriced: Mapped[Total]
