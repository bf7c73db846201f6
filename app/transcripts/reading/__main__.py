"""python -m app.transcripts.reading: asked for files, answers with rows and with what to keep of each file."""

import select
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from typing import Any

from app.facts.workspaces import labeller
from app.secrets import named
from app.transcripts.formats.source import Source
from app.transcripts.reading.batches import Batches
from app.transcripts.reading.content import Content, Unreadable, opened
from app.transcripts.reading.frames import Frame, read, send
from app.transcripts.reading.log import Reading
from app.transcripts.reading.raw import packed

ENDINGS = (".zst", ".jsonl", ".json")
TOLD_EVERY = 4 * 2**20


@dataclass
class Reader:
    """`told`: what it was told first: the account's rule for workspaces, and whether raw logs are wanted."""

    told: dict[str, Any]
    batches: Batches

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Reader":
        return cls(told, Batches(named(bytes.fromhex(told["salt"]))))

    def file(self, asked: dict[str, Any], carried: bytes) -> Iterator[Frame]:
        path = asked["path"].encode("latin-1")
        try:
            with opened(path) as content:
                if self._is_there(content, asked.get("there")):
                    self._finish(asked, content, outcome="same")
                elif self.told["raw"]:
                    self._finish(asked, content, **packed(content, self.told["folder"]))
                else:
                    yield from self._rows(asked, content, carried)
        except Unreadable as error:
            self.batches.finished(Frame({"is": "file", "file": asked["file"], "outcome": "failed", "why": str(error)}))

    def _is_there(self, content: Content, sha256: str | None) -> bool:
        """Whether the server has this very content; else it is read from the beginning again."""
        same = sha256 is not None and content.pass_over() == sha256
        if not same:
            content.rewind()
        return same

    def _rows(self, asked: dict[str, Any], content: Content, carried: bytes) -> Iterator[Frame]:
        known, rows, told = asked.get("known"), 0, 0
        reading = Reading(content, known, Source(stem(asked["path"]), self._label()))
        for fact in reading.facts(carried):
            rows += 1
            yield from self.batches.add(asked["file"], *fact)
            if content.size - told >= TOLD_EVERY:
                told = content.size
                yield Frame({"is": "read", "file": asked["file"], "bytes": told})
        carry = reading.carry()
        self._finish(
            asked, content, carry,
            outcome="read" if reading.form else "none", form=reading.form, rows=rows, begun_at=reading.begun_at,
            sessions=reading.sessions, problems=reading.problems, examples=reading.examples,
        )  # fmt: skip

    def _finish(self, asked: dict[str, Any], content: Content, carry: bytes = b"", **said: Any) -> None:
        seen = {"size": content.size, "sha256": content.sha256, "observed": content.observed}
        self.batches.finished(Frame({"is": "file", "file": asked["file"], **seen, **said}, carry))

    def _label(self) -> Any:
        return labeller(self.told["labels"], bytes.fromhex(self.told["salt"]))


def stem(path: str) -> str:
    last = path.rpartition("/")[2]
    for ending in ENDINGS:
        last = last[: -len(ending)] if last.lower().endswith(ending) else last
    return last


def main(asked: FileIO, answers: FileIO) -> None:
    """Until nothing more is asked. What is not asked for more at once is not waited with."""

    def answer(frames: Iterator[Frame]) -> None:
        for frame in frames:
            send(answers, frame)

    first = read(asked)
    if first is None:
        return
    reader = Reader.of(first.head)
    while True:
        if not select.select([asked], [], [], 0)[0]:
            answer(reader.batches.flush())
        frame = read(asked)
        if frame is None:
            break
        answer(reader.file(frame.head, frame.body))
    answer(reader.batches.flush())


if __name__ == "__main__":
    try:
        main(FileIO(0, closefd=False), FileIO(1, "w", closefd=False))
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)
