"""Keyset paging: a cursor carries the whole sort key and is good for one account and one endpoint."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, NoReturn, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from app.web.problems import Unprocessable

Row = TypeVar("Row")
Key = TypeVar("Key")
SEAL = 8


class Page(BaseModel, Generic[Row]):
    rows: list[Row]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


class PageQuery(BaseModel, extra="forbid"):
    """Where a list begins and how long a page is."""

    limit: Annotated[int, Field(ge=1, le=200, description="Rows a page, 1 to 200.")] = 50
    cursor: Annotated[str | None, Field(max_length=500, description="`next_cursor` of the page before.")] = None


class Cursors(Generic[Key]):
    """The cursors of one endpoint, whose rows are sorted by `key`."""

    def __init__(self, endpoint: str, key: Any) -> None:
        self._endpoint = endpoint.encode()
        self._key: TypeAdapter[Key] = TypeAdapter(key)

    def _seal(self, account: UUID, body: bytes) -> bytes:
        return hashlib.blake2s(self._endpoint + account.bytes + body, digest_size=SEAL).digest()

    def write(self, account: UUID, key: Key) -> str:
        body = orjson.dumps(self._key.dump_python(key, mode="json"))
        return base64.urlsafe_b64encode(self._seal(account, body) + body).decode().rstrip("=")

    def read(self, account: UUID, cursor: str | None) -> Key | None:
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if raw[:SEAL] != self._seal(account, raw[SEAL:]):
                raise_bad()
            return self._key.validate_json(raw[SEAL:])
        except (binascii.Error, UnicodeEncodeError, ValueError, ValidationError):
            raise_bad()

    def page(self, account: UUID, rows: Sequence[Row], limit: int, key: Callable[[Row], Key]) -> Page[Row]:
        """Of `limit + 1` rows read, `limit` are shown; one more tells that there is a next page."""
        more = len(rows) > limit
        shown = list(rows[:limit])
        return Page(rows=shown, next_cursor=self.write(account, key(shown[-1])) if more else None)


def raise_bad() -> NoReturn:
    raise Unprocessable(
        "The cursor is not one this list gave to this account: start again without it.",
        errors=[{"loc": ["query", "cursor"], "msg": "not a cursor of this list", "type": "cursor"}],
    )
