"""Rows as files: CSV, newline-delimited JSON and Parquet, written piece by piece."""

import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any, Literal, Protocol

import orjson

from app.web.problems import Unprocessable
from app.web.schema import in_z

Format = Literal["csv", "ndjson", "parquet"]
Row = Sequence[Any]
# Blanks of every kind, control characters, zero-width ones, the byte order mark: what nobody sees.
UNSEEN = r"\s\x00-\x20\x7f-\xa0\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
# What makes a spreadsheet take a text for a formula, full-width and behind unseen characters too.
RISKY = re.compile(rf"[\t\r]|[{UNSEEN}]*[=+\-@＝＋－＠]")
# A semicolon parts cells where a comma is the decimal point: bare, `;=1` would be a cell of its own there.
QUOTED = re.compile(r"[,;\"\r\n]")
CSV = "text/csv; charset=utf-8"
NDJSON = "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"


class File(Protocol):
    """Rows go in, bytes come out when there are some; `end` gives the rest."""

    def rows(self, rows: Iterable[Row]) -> bytes: ...

    def end(self) -> bytes: ...


class CsvFile:
    def __init__(self, columns: Mapping[str, type]) -> None:
        self._heading = [columns]

    def rows(self, rows: Iterable[Row]) -> bytes:
        given = self.end()
        return given + "".join(f"{','.join(map(field, row))}\r\n" for row in rows).encode()

    def end(self) -> bytes:
        """The heading, where it was not yet given."""
        heading, self._heading = self._heading, []
        return "".join(f"{','.join(names)}\r\n" for names in heading).encode()


class NdjsonFile:
    def __init__(self, columns: Mapping[str, type]) -> None:
        self._names = list(columns)

    def rows(self, rows: Iterable[Row]) -> bytes:
        options = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
        return b"".join(orjson.dumps(dict(zip(self._names, row, strict=True)), option=options) for row in rows)

    def end(self) -> bytes:
        return b""


class ParquetFile:
    """A row group a piece, so that memory stays the same however long the file gets."""

    def __init__(self, columns: Mapping[str, type]) -> None:
        self._arrow = wanted("pyarrow")
        types = {
            str: self._arrow.string(),
            int: self._arrow.int64(),
            bool: self._arrow.bool_(),
            float: self._arrow.float64(),
            date: self._arrow.date32(),
            datetime: self._arrow.timestamp("us", tz="UTC"),
        }
        self._schema = self._arrow.schema([(name, types[kind]) for name, kind in columns.items()])
        self._sink = Sink()
        self._writer = wanted("pyarrow.parquet").ParquetWriter(self._sink, self._schema)

    def rows(self, rows: Iterable[Row]) -> bytes:
        columns = list(zip(*rows, strict=True)) or [()] * len(self._schema)
        arrays = [self._arrow.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        return self._sink.take()

    def end(self) -> bytes:
        self._writer.close()
        return self._sink.take()


class Sink(BytesIO):
    """Gives away what was written, and still knows how much it was: Parquet notes where its parts begin."""

    def __init__(self) -> None:
        super().__init__()
        self._taken = 0

    def tell(self) -> int:
        return self._taken + super().tell()

    def take(self) -> bytes:
        given = self.getvalue()
        self._taken += len(given)
        self.seek(0)
        self.truncate()
        return given


def wanted(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise Unprocessable(
            "This server cannot write Parquet: ask for csv or ndjson, or have its operator install tally[parquet].",
            errors=[{"loc": ["query", "format"], "msg": "is not installed here", "type": "format"}],
        ) from None


def cell(value: object) -> object:
    """A text that a spreadsheet would run is made one that it shows."""
    match value:
        case str() if RISKY.match(value):
            return "'" + value
        case datetime():
            return in_z(value)
        case bool():
            return "true" if value else "false"
        case _:
            return value


def field(value: object) -> str:
    """RFC 4180; the standard library quotes no field for a semicolon alone."""
    if value is None:
        return ""
    text = str(cell(value))
    return '"{}"'.format(text.replace('"', '""')) if QUOTED.search(text) else text


FORMATS: Mapping[Format, tuple[str, Callable[[Mapping[str, type]], File]]] = {
    "csv": (CSV, CsvFile),
    "ndjson": (NDJSON, NdjsonFile),
    "parquet": (PARQUET, ParquetFile),
}
