"""What a processor is. A package of yours brings one in by an entry point of the group `tally.processors`:

    [project.entry-points."tally.processors"]
    words = "my_package:Words"

    class Words:
        name, version, cadence_s = "words", 1, 300.0

        def process(self, lines: Lines, context: Context) -> Result:
            return Result(items=sum(1 for line in lines))

It is given a log a portion at a time, the next one beginning where it said it had come (`Result.offset`), with what it
asked to be given back (`Result.carried`); what it returns is written in the same transaction that remembers how far it
came. So it must keep nothing anywhere else: what was not written will be given to it again. It runs in a thread, may
take a minute a portion, and may raise: that is recorded, tried again later, and after five times the log is set aside.
Raise `version` and every log that is kept is read again from its beginning.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from app.transcripts.formats.lines import Problem

# What is kept of those of one log.
MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Lines:
    """A portion of a log: its bytes from `offset` on. Iterated, its whole lines, without their newlines."""

    content: bytes
    offset: int
    # Whether this is all there is: what stands after the last newline may be whole, or may be written on later.
    is_end: bool

    @property
    def whole(self) -> int:
        """Where the last whole line ends."""
        return self.offset + self.content.rfind(b"\n") + 1

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.content[: self.whole - self.offset].split(b"\n")[:-1])


@dataclass(frozen=True)
class Context:
    """What is known of a log beside its content."""

    account_id: UUID
    user_id: UUID
    transcript_id: UUID
    # By its first lines: "claude_code", "codex", or None for neither.
    form: str | None
    # The file's own name without its endings.
    stem: str
    # Names a working directory as the account wants it named.
    label: Callable[[str], str | None]
    # What `process` returned for the portion before; None at the beginning of a log.
    carried: Mapping[str, Any] | None


@dataclass
class Result:
    """What was found. `rows` are those of POST /api/v1/ingest/batches, by kind; their rules hold."""

    items: int = 0
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    # By the producer's session id: what went wrong in this portion, by the names of transcript_signals, each told
    # apart by its mark. Only the built-in processor gives any: all go where a log is read from its beginning.
    friction: Mapping[str, Mapping[str, Sequence[str]]] | None = None
    problems: Sequence[Problem] = ()
    # Plain JSON, small: ids, names and numbers, never what anybody said.
    carried: Mapping[str, Any] = field(default_factory=dict)
    # Where the next portion begins; None: after the last whole line.
    offset: int | None = None


@runtime_checkable
class Processor(Protocol):
    """`name` is for ever; `cadence_s`: how often new and grown logs are looked for."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def cadence_s(self) -> float: ...
    def process(self, lines: Lines, context: Context) -> Result: ...
