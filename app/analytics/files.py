"""Rows as files: CSV, newline-delimited JSON and Parquet, written piece by piece."""

import csv
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Any, Literal, Protocol

import orjson

from app.web.problems import Unprocessable
from app.web.schema import in_z

Format = Literal["csv", "ndjson", "parquet"]
Row = Sequence[Any]
# What makes a spreadsheet take a text for a formula.
RISKY = ("=", "+", "-", "@", "\t", "\r")
CSV = "text/csv; charset=utf-8"
NDJSON = "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"


class File(Protocol):
    """Rows go in, bytes come out when there are some; `end` gives the rest."""

    def rows(self, rows: Iterable[Row]) -> bytes: ...

    def end(self) -> bytes: ...


class CsvFile:
    def __init__(self, columns: Mapping[str, type]) -> None:
        self._buffer = StringIO()
        self._writer = csv.writer(self._buffer)
        self._writer.writerow(columns)

    def rows(self, rows: Iterable[Row]) -> bytes:
        self._writer.writerows([cell(value) for value in row] for row in rows)
        return self.end()

    def end(self) -> bytes:
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text.encode()


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
        case str() if value.startswith(RISKY):
            return "'" + value
        case datetime():
            return in_z(value)
        case bool():
            return "true" if value else "false"
        case _:
            return value


FORMATS: Mapping[Format, tuple[str, Callable[[Mapping[str, type]], File]]] = {
    "csv": (CSV, CsvFile),
    "ndjson": (NDJSON, NdjsonFile),
    "parquet": (PARQUET, ParquetFile),
}
