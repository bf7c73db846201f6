"""What of the files that were found has to be read at all."""

from dataclasses import dataclass
from typing import Any

from app.cli.push.finding import Found
from app.cli.push.manifest import Has, Manifest
from app.cli.push.state import Known, State
from app.transcripts.processors.reader import READER_VERSION
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
    """What the server has of this member's."""

    manifest: Manifest
    wants_raw: bool

    def has(self, name: str) -> Has | None:
        """Nothing, too, where it has rows and the log itself is wanted, or what read them was older than we are."""
        has = self.manifest.get(name)
        is_rows = has is not None and has.source == "rows"
        return None if has and is_rows and (self.wants_raw or has.reader_version < READER_VERSION) else has


def candidate(found: Found, name: str, known: Known | None, server: Server) -> Candidate | None:
    """None for a file that needs not even be opened."""
    has = server.has(name)
    if known is not None and known.observed == found.observed and not (known.name and has is None):
        return None
    if has is None:
        return Candidate(found, name, None, None)
    if known is not None:
        return Candidate(found, name, None if server.wants_raw else known, same_size(found, known.size, known.sha256))
    return Candidate(found, name, None, same_size(found, has.size, has.sha256))


def same_size(found: Found, size: int, sha256: str) -> str | None:
    """A packed file shows its size only when it is read."""
    return sha256 if found.path.lower().endswith(b".zst") or found.observed[0] == size else None
