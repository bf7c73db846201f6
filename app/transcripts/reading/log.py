"""One log read: only what is new of it, where that can be told."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson

from app import __version__
from app.transcripts.formats.ledger import Fact
from app.transcripts.formats.lines import Problem
from app.transcripts.formats.log import Log, Recogniser
from app.transcripts.formats.signals import COLUMNS, Repeats, mark
from app.transcripts.formats.source import Source
from app.transcripts.processors.reader import READER_VERSION
from app.transcripts.reading.content import Content

MOST_PROBLEMS = 20
OWN = f"{__version__}/{READER_VERSION}"


def form_of(content: Content) -> str | None:
    """Rewound, where there is one; else read to its end, whose hash is wanted all the same."""
    recogniser = Recogniser()
    for chunk in content.chunks():
        if recogniser.feed(chunk) is not None:
            break
    if recogniser.end() is not None:
        content.rewind()
    return recogniser.form


@dataclass
class Reading:
    """What a file says, and what is to be kept of it for the next time."""

    content: Content
    known: dict[str, Any] | None
    source: Source
    form: str | None = None
    log: Log | None = None
    sessions: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[int, str]] = field(default_factory=list)
    begun_at: int = 0
    seen: Repeats = field(default_factory=Repeats)

    def facts(self, carried: bytes) -> Iterator[Fact]:
        kept = unpacked(carried)
        if self.known and kept and self._grew(self.known):
            return self._continued(self.known, kept)
        self.content.rewind()
        return self._whole()

    def carry(self) -> bytes:
        if self.log is None or self.content.compressed:
            return b""
        kept = {"version": OWN, "log": self.log.carry(), "seen": list(self.seen)}
        return zlib.compress(orjson.dumps(kept), 1)

    def _grew(self, known: dict[str, Any]) -> bool:
        """Whether it begins as it was when it was read last."""
        length = self.content.length
        if self.content.compressed or length is None or length < known["size"]:
            return False
        return bool(self.content.pass_over(known["size"]) == known["sha256"])

    def _continued(self, known: dict[str, Any], kept: dict[str, Any]) -> Iterator[Fact]:
        self.log, self.seen = Log.resume(kept["log"], self.source), Repeats(kept["seen"])
        self.form, self.begun_at = self.log.format.name, self.log.lines.offset
        self.sessions = {session: defaultdict(list, told) for session, told in known["sessions"].items()}
        for chunk in self.content.again(self.begun_at):
            yield from self._sorted(self.log.feed(chunk))
        yield from self._rest(self.log, self.content.chunks())

    def _whole(self) -> Iterator[Fact]:
        chunks = self.content.chunks()
        first = next(chunks, b"")
        self.form = Recogniser().feed(first)
        if self.form is None:
            # Not known by its beginning: all is searched, and then read.
            self.content.rewind()
            self.form, first, chunks = form_of(self.content), b"", self.content.chunks()
            if self.form is None:
                return
        self.log = Log.start(self.form, self.source)
        yield from self._rest(self.log, chain([first], chunks))

    def _rest(self, log: Log, chunks: Iterator[bytes]) -> Iterator[Fact]:
        for chunk in chunks:
            yield from self._sorted(log.feed(chunk))
        yield from self._sorted(log.end())

    def _sorted(self, found: Iterator[Fact | Problem]) -> Iterator[Fact]:
        """Rows go on; the rest is counted."""
        for item in found:
            if type(item) is Problem:
                self.problems[item.code] += 1
                if len(self.examples) < MOST_PROBLEMS:
                    self.examples.append((item.line, item.code))
                continue
            row = item.row  # type: ignore[union-attr]
            if item.kind == "signals":  # type: ignore[union-attr]
                if self.seen.is_new(row):
                    self._of(row["session_id"])[COLUMNS[row["kind"]]].append(mark(row))
            else:
                self._of(row["id"] if item.kind == "sessions" else row["session_id"])  # type: ignore[union-attr]
                yield item  # type: ignore[misc]

    def _of(self, session: str) -> dict[str, list[str]]:
        found = self.sessions.get(session)
        if found is None:
            found = self.sessions[session] = defaultdict(list)
        return found


def unpacked(carried: bytes) -> dict[str, Any] | None:
    """What an earlier reading of this very version left; another's parser may have carried something else."""
    kept: dict[str, Any] = orjson.loads(zlib.decompress(carried)) if carried else {}
    return kept if kept.get("version") == OWN else None
