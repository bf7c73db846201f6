"""The ground of every table: names of constraints, column types, the two key columns."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, MetaData, String, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

CURRENT_ACCOUNT = text("(NULLIF(current_setting('app.account_id'::text, true), ''::text))::uuid")

# Every text column has a limit, so that none can hold what was said to a model.
Label = Annotated[str, mapped_column(String(200))]
Keyword = Annotated[str, mapped_column(String(20))]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Stamp = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=text("now()"))]
Said = Annotated[datetime | None, mapped_column(DateTime(timezone=True), server_default=text("now()"))]
Count = Annotated[int, mapped_column(Integer, server_default=text("0"))]
Total = Annotated[int, mapped_column(BigInteger, server_default=text("0"))]
Micros = Annotated[int, mapped_column(BigInteger)]
Flag = Annotated[bool, mapped_column(server_default=text("false"))]


class Model(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[type, TypeEngine[Any]]] = {
        UUID: Uuid(),
        str: String(200),
        datetime: DateTime(timezone=True),
    }


class OfAccount:
    """A row of one account: the account leads its key.

    The application always names both; the defaults serve programs that write rows straight in.
    """

    account_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=CURRENT_ACCOUNT, sort_order=-2)


class Identified(OfAccount):
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"), sort_order=-1)


def between(given: str) -> str:
    """A duration in milliseconds: the given one, else from start to end where both are known and in order."""
    elapsed = "EXTRACT(epoch FROM completed_at - started_at) * 1000::numeric"
    return (
        f"COALESCE({given}, CASE WHEN completed_at >= started_at"
        f" THEN LEAST(round({elapsed}), 2147483647::numeric)::integer ELSE NULL::integer END)"
    )
