"""What is written down once the server has a file: there, and here."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.cli.push.faults import Refused
from app.cli.push.manifest import Manifest
from app.cli.push.plan import Candidate
from app.cli.push.report import Report
from app.cli.push.server import Server
from app.cli.push.state import Known, State
from app.transcripts.processors.reader import READER_VERSION
from app.transcripts.reading.frames import Frame

PUSHES = "/api/v1/sync/pushes"
AT_ONCE = 200
# Of a log that speaks of more, those without any counts are left out.
MOST_SESSIONS = 1_000
EVERY_S = 1.0
MOST_EXAMPLES = 100

Entry = tuple[Candidate, Frame]


@dataclass
class Book:
    """Without a server nothing is written anywhere."""

    server: Server | None
    state: State
    report: Report
    manifest: Manifest
    _entries: list[Entry] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    async def enter(self, candidate: Candidate, frame: Frame, failure: str | None) -> None:
        """A file is done; with a failure it stays as it was, and comes again the next time."""
        if failure is not None:
            self.report.failures[shown(candidate)] = failure
            return
        outcome = frame.head["outcome"]
        for line, code in frame.head.get("examples", ())[: MOST_EXAMPLES - len(self.report.broken)]:
            self.report.broken.append({"file": shown(candidate), "line": line, "code": code})
        if outcome == "none":
            self.report.no_logs += 1
            if candidate.found.observed[0]:
                self.report.notes.append(f"{shown(candidate)} is no session log of an agent we know.")
        if frame.head.get("rows") == 0 and frame.head.get("examples") == [[1, "unfinished"]]:
            self.report.notes.append(f"{shown(candidate)} has no end of a line (LF) yet: all of it waits for one.")
        self.report.unchanged += outcome == "same"
        self.report.pushed += outcome in ("read", "packed")
        if self.server is None:
            return
        self._entries.append((candidate, frame))
        if len(self._entries) >= AT_ONCE or time.monotonic() - self._since >= EVERY_S:
            await self.write()

    async def write(self, *, completed: bool = False) -> None:
        """First the server is told, then it is kept here: the other way round a file could be forgotten."""
        entries, self._entries, self._since = self._entries, [], time.monotonic()
        told = [entry for entry in entries if entry[1].head["outcome"] == "read"]
        done = [entry for entry in entries if entry[1].head["outcome"] != "read"]
        if self.server is not None and (told or completed):
            try:
                done += await self._tell(self.server, told, completed=completed)
            except BaseException:
                self.report.pushed -= len(told)  # they will come again
                raise
        self.manifest.keep(uploaded(*entry) for entry in done if entry[1].head["outcome"] == "packed")
        self.state.keep([kept(candidate, frame, self.state) for candidate, frame in done])

    async def _tell(self, server: Server, told: list[Entry], *, completed: bool) -> list[Entry]:
        """Those of them that the server knows of now."""
        try:
            files = [spoken_of(*entry) for entry in told]
            said = {"completed": True, "total": self.report.pushed} if completed else {}
            await server.post(PUSHES, {"files": files, **said})
        except Refused as refused:
            if len(told) > 1:  # one of them is at fault
                half = len(told) // 2
                first = await self._tell(server, told[:half], completed=False)
                return first + await self._tell(server, told[half:], completed=completed)
            if not told:
                raise
            self.report.pushed -= 1
            self.report.failures[shown(told[0][0])] = f"The server has its rows, but not its name. {refused}"
            return []
        self.manifest.keep({**file, "source": "rows"} for file in files)
        return told


def spoken_of(candidate: Candidate, frame: Frame) -> dict[str, Any]:
    head = frame.head
    told = sorted(head["sessions"].items(), key=lambda one: not one[1])[:MOST_SESSIONS]
    sessions = [{"session_id": session, **counts} for session, counts in told]
    own = {name: head[name] for name in ("sha256", "size", "form")}
    return {"name": candidate.name, **own, "reader_version": READER_VERSION, "sessions": sessions}


def uploaded(candidate: Candidate, frame: Frame) -> dict[str, Any]:
    """A raw log as the server's manifest has it from now on."""
    own = {"sha256": frame.head["redacted_sha256"], "size": frame.head["redacted_size"]}
    return {"name": candidate.name, **own, "source": "upload", "reader_version": 0}


def kept(candidate: Candidate, frame: Frame, state: State) -> tuple[bytes, Known, Mapping[str, Any], bytes]:
    head, path = frame.head, candidate.found.path
    name = "" if head["outcome"] == "none" else candidate.name
    known = Known(name, head["observed"], head["size"], head["sha256"], head["outcome"] == "packed")
    if head["outcome"] == "same":
        return path, known, *state.carried(path)
    return path, known, head.get("sessions", {}), frame.body


def shown(candidate: Candidate) -> str:
    return candidate.found.path.decode(errors="replace")
