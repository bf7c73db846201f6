"""A statement compiled once, for paths that run on every request.

SQLAlchemy's execute costs 170 µs more than the driver's own (measured: 640 against 368 µs a transaction of one
select). What runs on every request or over many rows is therefore still written as Core, compiled when its
module is loaded, and run by the driver.
"""

from collections.abc import Callable, Sequence
from typing import Any

from asyncpg import Record
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql import Executable
from sqlalchemy.sql.elements import ClauseElement

from app.db.engine import Tx

asyncpg: Callable[[], Dialect] = dialect


class Prepared:
    """Values are given by the names of the statement's bindparams; `account` is always the transaction's."""

    def __init__(self, statement: Executable) -> None:
        assert isinstance(statement, ClauseElement)  # noqa: S101 - every Core statement is one
        compiled = statement.compile(dialect=asyncpg(), compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()  # type: ignore[attr-defined]
        # What must be given is left out here: forgotten, it is a KeyError, and not a NULL that finds no rows.
        asked = {name for name, bind in compiled.binds.items() if bind.required}  # type: ignore[attr-defined]
        self._fixed = {name: value for name, value in compiled.params.items() if name not in asked}

    def _values(self, tx: Tx, given: dict[str, object]) -> list[object]:
        values: dict[str, Any] = {**self._fixed, **given, "account": tx.account}
        return [values[name] for name in self._names]

    async def one(self, tx: Tx, **given: object) -> Record | None:
        record: Record | None = await tx.driver.fetchrow(self.sql, *self._values(tx, given))
        return record

    async def all(self, tx: Tx, **given: object) -> list[Record]:
        records: list[Record] = await tx.driver.fetch(self.sql, *self._values(tx, given))
        return records

    async def cursor(self, tx: Tx, **given: object) -> Any:
        """A cursor on the server: `fetch(n)` gives the next rows, however many there are in all."""
        return await tx.driver.cursor(self.sql, *self._values(tx, given))

    async def run(self, tx: Tx, **given: object) -> None:
        await tx.driver.execute(self.sql, *self._values(tx, given))
