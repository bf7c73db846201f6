"""account_directory: the ids of all accounts and nothing else, for the worker and the operator.

The one table without row-level security; everything else is found by entering an account.
"""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from app.models.model import Model


class AccountDirectory(Model):
    __tablename__ = "account_directory"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
