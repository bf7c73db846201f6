"""One look at all the files, and all that is new of them on its way."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.cli.push.book import Book
from app.cli.push.delivery import Delivery
from app.cli.push.faults import PushError
from app.cli.push.finding import Found, Search, namer
from app.cli.push.manifest import Manifest
from app.cli.push.plan import Candidate, candidate
from app.cli.push.plan import Server as Have
from app.cli.push.readers import Job, Readers
from app.cli.push.report import Report
from app.cli.push.server import Server
from app.cli.push.state import State
from app.secrets import named, redacted
from app.transcripts.processors.reader import READER_VERSION
from app.transcripts.reading.frames import Frame

FAREWELL_S = 3.0
OUTDATED = "This tally is older than the server and sees less in logs: update it, and what was pushed is read again."

Watched = Callable[[Report, int], None]


@dataclass
class Push:
    """What all rounds share. `manifest`: what the server said it has, and what it was sent since."""

    server: Server
    state: State
    roots: list[Path]
    rules: Mapping[str, Any]
    manifest: Manifest
    folder: Path
    home: str
    raw: bool = False
    dry_run: bool = False
    # Files that failed, as they were then.
    failed: dict[bytes, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._salt = bytes.fromhex(self.rules["workspace_salt"])
        self._name = namer(self.rules["workspace_labels"], self._salt, self.home)

    async def round(self, report: Report, watched: Watched, *, completed: bool = True) -> None:
        """`completed`: whether the server is to note this as a push."""
        search = Search().under(self.roots)
        report.found = len(search.files) + len(search.failures)
        report.failures |= {path.decode(errors="replace"): why for path, why in search.failures.items()}
        report.notes += [f"{path.decode(errors='replace')}: {why}" for path, why in search.notes]
        if not report.found:
            report.notes.append("No log was found there: their names end in .jsonl or .jsonl.zst.")
        if self.rules.get("reader_version", 0) > READER_VERSION:
            report.notes.append(OUTDATED)
        candidates = self._candidates(search.files, report)
        book = Book(None if self.dry_run else self.server, self.state, report, self.manifest)
        try:
            if candidates:
                await self._carry_out(candidates, book, report, watched)
            await book.write(completed=completed)
        except BaseException:
            with suppress(PushError, TimeoutError):
                await asyncio.wait_for(book.write(), FAREWELL_S)
            raise

    def _candidates(self, files: list[Found], report: Report) -> list[Candidate]:
        """The largest first, so that none is left over for one core alone."""
        known, have = self.state.known(), Have(self.manifest, self.raw)
        names, candidates = set[str](), list[Candidate]()
        for file in files:
            if self.failed.get(file.path) == file.observed:
                continue
            one = known.get(file.path)
            name = one.name if one and one.name else self._new_name(file.path)
            if name in names:  # packed and not packed side by side
                name += ".zst"
            names.add(name)
            found = candidate(file, name, one, have)
            if found is not None:
                candidates.append(found)
        report.unchanged += len(files) - len(candidates)
        return sorted(candidates, key=lambda one: -one.found.observed[0])

    def _new_name(self, path: bytes) -> str:
        return redacted(self._name(path).encode(), named(self._salt))[0].decode()

    async def _carry_out(self, candidates: list[Candidate], book: Book, report: Report, watched: Watched) -> None:
        async def settled(frame: Frame, failure: str | None) -> None:
            one = candidates[frame.head["file"]]
            if failure:
                self.failed[one.found.path] = one.found.observed
            await book.enter(one, frame, failure)

        names = {number: one.name for number, one in enumerate(candidates)}
        delivery = Delivery(book.server, report, settled, names)

        async def taken(reader: int, frame: Frame) -> None:
            await delivery.take(reader, frame)
            watched(report, len(candidates))

        async def read() -> None:
            await Readers(self._told(), self._jobs(candidates), taken).run()
            await delivery.end()

        async with asyncio.TaskGroup() as group:
            group.create_task(delivery.run())
            group.create_task(read())

    def _told(self) -> dict[str, Any]:
        rules = {"labels": self.rules["workspace_labels"], "salt": self.rules["workspace_salt"]}
        return rules | {"raw": self.raw, "folder": str(self.folder)}

    def _jobs(self, candidates: list[Candidate]) -> deque[Job]:
        def job(number: int, one: Candidate) -> Job:
            return Job(number, one.found.observed[0], lambda: one.asked(number, self.state))

        return deque(job(number, one) for number, one in enumerate(candidates))
