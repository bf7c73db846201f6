"""From rows that were read to rows that the server has, and only then to what is written down of a file.

A file counts as pushed when every batch with a row of it was answered, and the server was told of the file. Whatever
ends us before that, the file is read and sent again, which changes nothing there.
"""

import asyncio
import bisect
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from app.cli.push.faults import Refused
from app.cli.push.report import NO_FAULT, Report
from app.transcripts.reading.frames import Frame

# One is read and checked there while another is written; with a third, neither waits for the wire or for a lock.
IN_FLIGHT = 3
UNAUTHORIZED = 401
CHUNK = 2**18


class Wire(Protocol):
    """What of a server is needed here."""

    async def send(self, path: str, packed: Any, kind: str, **parameters: str) -> Any: ...


class Waiting(NamedTuple):
    """A file that was read, and the batches that hold rows of it."""

    frame: Frame
    batches: set[int]


@dataclass
class Delivery:
    """`settled`: called with each file that is done, one way or the other. Without a wire nothing is sent."""

    wire: Wire | None
    report: Report
    settled: Any
    names: dict[int, str]
    _queue: asyncio.Queue[tuple[int, int, Frame] | None] = field(default_factory=lambda: asyncio.Queue(IN_FLIGHT))
    # By reader: batches not yet answered, and files that wait for them.
    _open: dict[int, set[int]] = field(default_factory=dict)
    _files: dict[int, deque[Waiting]] = field(default_factory=dict)
    _failed: dict[int, str] = field(default_factory=dict)
    _number: int = 0
    _bytes: dict[int, int] = field(default_factory=dict)

    async def take(self, reader: int, frame: Frame) -> None:
        """What a reader said. Waits while enough is in flight."""
        head = frame.head
        if head["is"] == "batch":
            self._number += 1
            self._open.setdefault(reader, set()).add(self._number)
            self.report.rows_read += head["rows"]
            self.report.secrets += head["secrets"]
            await self._queue.put((reader, self._number, frame))
            return
        self._count(head)
        if head["is"] == "read":
            return
        if head["outcome"] == "packed":
            self._number += 1
            self._open.setdefault(reader, set()).add(self._number)
            self._files.setdefault(reader, deque()).append(Waiting(frame, {self._number}))
            await self._queue.put((reader, self._number, frame))
            return
        self._files.setdefault(reader, deque()).append(Waiting(frame, set(self._open.get(reader, ()))))
        await self._settle(reader)

    async def run(self) -> None:
        """Until told to end."""
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._lane())

    async def end(self) -> None:
        for _ in range(IN_FLIGHT):
            await self._queue.put(None)

    async def _lane(self) -> None:
        while (item := await self._queue.get()) is not None:
            reader, number, frame = item
            if frame.head["is"] == "batch":
                await self._batch(frame)
            else:
                await self._raw(frame)
            self._open[reader].discard(number)
            await self._settle(reader)

    async def _batch(self, frame: Frame) -> None:
        if self.wire is None:
            return
        self.report.bytes_sent += len(frame.body)
        try:
            receipt = await self.wire.send("/api/v1/ingest/batches", lambda: frame.body, "application/json")
        except Refused as refused:
            self._refused(frame, refused)
            return
        self.report.rows_stored += receipt["stored"]
        self.report.rows_unchanged += receipt["unchanged"]
        self.report.rows_rejected += receipt["rejected"]
        for error in receipt["errors"]:
            self._rejected(frame, error)

    def _refused(self, frame: Frame, refused: Refused) -> None:
        """All of a batch: every file that has a row in it has to come again."""
        if refused.status == UNAUTHORIZED:
            raise refused
        self.report.rows_rejected += frame.head["rows"]
        self.report.reasons[f"answered {refused.status}"] += frame.head["rows"]
        for spans in frame.head["spans"].values():
            for _, file in spans:
                self._failed.setdefault(file, f"The server did not take its rows. {refused}")

    def _rejected(self, frame: Frame, error: dict[str, Any]) -> None:
        self.report.reasons[error["code"]] += 1
        if error["code"] == NO_FAULT:
            return
        spans = frame.head["spans"][error["kind"]]
        place = bisect.bisect_right(spans, error["index"], key=lambda span: span[0])
        self._failed.setdefault(
            spans[place][1], f"The server rejected rows of it, first {error['kind']} {error['id']}: {error['detail']}"
        )

    async def _raw(self, frame: Frame) -> None:
        head = frame.head
        packed = Path(head["packed"])
        try:
            if self.wire is None:
                return
            self.report.bytes_sent += head["packed_size"]
            await self.wire.send(
                "/api/v1/transcripts", lambda: chunks(packed), "application/x-ndjson", name=self.names[head["file"]]
            )
        except Refused as refused:
            if refused.status == UNAUTHORIZED:
                raise
            self._failed[head["file"]] = f"The server did not take it. {refused}"
        finally:
            packed.unlink()  # noqa: ASYNC240 - a moment

    def _count(self, head: dict[str, Any]) -> None:
        file = head["file"]
        now = head["bytes"] if head["is"] == "read" else max(0, head.get("size", 0) - head.get("begun_at", 0))
        self.report.bytes_read += max(0, now - self._bytes.get(file, 0))
        self._bytes[file] = now
        if head["is"] == "file":
            del self._bytes[file]
            self.report.lines.update(head.get("problems", {}))
            self.report.secrets += head.get("secrets", 0)

    async def _settle(self, reader: int) -> None:
        """The files of a reader that wait for nothing any more.

        In their order: what one still waits for, those read after it wait for as well.
        """
        unanswered, files = self._open.get(reader, set()), self._files.get(reader, deque())
        while files and not files[0].batches & unanswered:
            frame = files.popleft().frame
            await self.settled(frame, self._failed.pop(frame.head["file"], None) or frame.head.get("why"))


async def chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
