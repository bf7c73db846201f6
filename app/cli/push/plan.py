"""What of the files that were found has to be read at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.cli.push.finding import Found
from app.cli.push.state import Known, State
from app.transcripts.reading.frames import Frame


@dataclass(frozen=True)
class Candidate:
    """A file that may have news. `there`: the hash of what the server has of it, where that can be all of it."""

    found: Found
    name: str
    known: Known | None
    there: str | None

    def asked(self, number: int, state: State) -> Frame:
        """What a reader is told; where its reading ended is looked up only now."""
        head: dict[str, Any] = {"file": number, "path": self.found.path.decode("latin-1"), "there": self.there}
        if self.known is None:
            return Frame(head)
        sessions, carry = state.carried(self.found.path)
        known = {"size": self.known.size, "sha256": self.known.sha256, "sessions": sessions}
        return Frame({**head, "known": known}, carry)


@dataclass(frozen=True)
class Server:
    """What the server has of this member's, by name."""

    files: Mapping[str, Mapping[str, Any]]
    wants_raw: bool

    def lacks(self, name: str) -> bool:
        """Whether it has nothing of the log, or only rows where the log itself is wanted."""
        has = self.files.get(name)
        return has is None or (self.wants_raw and has["source"] == "rows")


def candidate(found: Found, name: str, known: Known | None, server: Server) -> Candidate | None:
    """None for a file that needs not even be opened."""
    if known is not None:
        is_log = bool(known.name)
        if known.observed == found.observed and not (is_log and server.lacks(name)):
            return None
    if server.lacks(name):
        return Candidate(found, name, None, None)
    if known is not None:
        return Candidate(found, name, None if server.wants_raw else known, same_size(found, known.size, known.sha256))
    has = server.files[name]
    return Candidate(found, name, None, same_size(found, has["size"], has["sha256"]))


def same_size(found: Found, size: int, sha256: str) -> str | None:
    """A packed file shows its size only when it is read."""
    return sha256 if found.path.endswith(b".zst") or found.observed[0] == size else None
