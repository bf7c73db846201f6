"""Rows on their way: put together until there are enough for a call, whichever files they are of."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.secrets import redacted, suspicious
from app.transcripts.reading.frames import Frame

MOST_ROWS = 4_000
MOST_BYTES = 2 * 2**20
KINDS = ("sessions", "messages", "tool_calls")
# Fast: the wire is seldom the slowest part.
LEVEL = 1


@dataclass
class Batches:
    """`place`: what stands for what looks like a secret in a row."""

    place: Callable[[bytes], bytes]
    _rows: dict[str, list[bytes]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    # Whose the rows of a kind are: up to which index, which file.
    _spans: dict[str, list[list[int]]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    # All that stands in them: far less than they weigh, as most of it is names of fields.
    _said: set[Any] = field(default_factory=set)
    _count: int = 0
    _bytes: int = 0
    _waiting: list[Frame] = field(default_factory=list)

    def add(self, file: int, kind: str, row: dict[str, Any]) -> Iterator[Frame]:
        written = orjson.dumps(row)
        rows, spans = self._rows[kind], self._spans[kind]
        rows.append(written)
        if spans and spans[-1][1] == file:
            spans[-1][0] = len(rows)
        else:
            spans.append([len(rows), file])
        self._said.update(row.values())
        self._count += 1
        self._bytes += len(written) + 1
        if self._count >= MOST_ROWS or self._bytes >= MOST_BYTES:
            yield self._batch()

    def finished(self, said: Frame) -> None:
        """A file was read: that is said once its last row is on its way."""
        self._waiting.append(said)

    def flush(self) -> Iterator[Frame]:
        if self._count:
            yield self._batch()
        yield from self._waiting
        self._waiting = []

    def _batch(self) -> Frame:
        lists = (b'"%s":[%s]' % (kind.encode(), b",".join(rows)) for kind, rows in self._rows.items() if rows)
        body, secrets = b"{" + b",".join(lists) + b"}", 0
        if suspicious("\n".join(said for said in self._said if type(said) is str).encode()):
            body, secrets = redacted(body, self.place)
        packer = zlib.compressobj(LEVEL, wbits=31)
        head = {"is": "batch", "rows": self._count, "spans": self._spans, "secrets": secrets}
        self._rows, self._spans = {kind: [] for kind in KINDS}, {kind: [] for kind in KINDS}
        self._said = set()
        self._count = self._bytes = 0
        return Frame(head, packer.compress(body) + packer.flush())
