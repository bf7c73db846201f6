"""One log file read to its end, at once or as it grows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from app.transcripts.formats.claude_code import ClaudeCode
from app.transcripts.formats.codex import Codex
from app.transcripts.formats.ledger import Fact, Ledger
from app.transcripts.formats.lines import LONGEST, Lines, Problem, Record, problem, recover
from app.transcripts.formats.source import Source


class Format(Protocol):
    name: str

    def take(self, record: Record) -> None: ...
    def carry(self) -> dict[str, Any]: ...


FORMATS = {form.name: form for form in (ClaudeCode, Codex)}
CODEX_KINDS = {"session_meta", "response_item", "event_msg", "turn_context"}
CLAUDE_MARKS = {"sessionId", "parentUuid", "leafUuid", "isSidechain", "snapshot"}
# Of lines that are no JSON so many are looked into for what they hold, which takes long.
MOST_BROKEN = 50
# Of real logs the third line tells at the latest. What says nothing for so long is none.
MOST_LINES, MOST_BYTES = 10_000, 2 * LONGEST


class Recogniser:
    """Whose log it is: the first line that tells says so, however long it is and whatever comes before it.

    A log of ours tells soon; of what does not, the rest costs nothing.
    """

    def __init__(self) -> None:
        self.form: str | None = None
        self._lines = Lines()
        self._broken = 0
        self._fed = 0
        self.is_done = False

    def feed(self, chunk: bytes) -> str | None:
        """The format, once it is known. `is_done`: nothing more need be fed."""
        if self.is_done:
            return self.form
        for number, line in self._lines.cut(chunk):
            self.form = self._told_by(line) if line and number <= MOST_LINES else None
            self.is_done = self.form is not None or number >= MOST_LINES
            if self.is_done:
                return self.form
        self._fed += len(chunk)
        self.is_done = self._fed >= MOST_BYTES or self._lines.newlines >= MOST_LINES
        return self.form

    def end(self) -> str | None:
        """Of all that was fed; None for a log that is none of ours."""
        if not self.is_done:
            self.form = self._told_by(self._lines.last()[1])
        return self.form

    def _told_by(self, line: bytes) -> str | None:
        for record in self._records(line):
            if record.get("type") in CODEX_KINDS or "record_type" in record or "call_id" in record:
                return Codex.name
            if not CLAUDE_MARKS.isdisjoint(record):
                return ClaudeCode.name
        return None

    def _records(self, line: bytes) -> list[Record]:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            self._broken += 1
            return recover(line)[0] if self._broken <= MOST_BROKEN else []
        return [record] if type(record) is dict else []


@dataclass
class Log:
    """Feed it the bytes from `lines.offset` on, in chunks of any size; at the end of what there is, say `end()`.

    What `carry()` says after that, given to `resume` with what was written since, reads on as if there had been no
    pause. It holds ids, names and numbers, no content.
    """

    lines: Lines
    ledger: Ledger
    format: Format

    @classmethod
    def start(cls, form: str, source: Source) -> "Log":
        ledger = Ledger()
        return cls(Lines(), ledger, FORMATS[form](source, ledger))

    @classmethod
    def resume(cls, carried: Mapping[str, Any], source: Source) -> "Log":
        ledger = Ledger(carried["ledger"])
        ledger.at = carried["at"]
        form = FORMATS[carried["format"]](source, ledger, carried["state"])
        lines = Lines(carried["offset"], carried["newlines"], carried["open_line"], carried["dropping"])
        return cls(lines, ledger, form)

    def carry(self) -> dict[str, Any]:
        """To be kept as JSON."""
        return {
            "format": self.format.name,
            "offset": self.lines.offset,
            "newlines": self.lines.newlines,
            "open_line": self.lines.open_line,
            "dropping": self.lines.dropping,
            "at": self.ledger.at,
            "state": self.format.carry(),
            "ledger": self.ledger.carry(),
        }

    def feed(self, chunk: bytes) -> Iterator[Fact | Problem]:
        take, loads, ledger = self.format.take, orjson.loads, self.ledger
        for number, line in self.lines.cut(chunk):
            try:
                record = loads(line)  # type: ignore[arg-type]
            except orjson.JSONDecodeError:
                yield from self._broken(number, line)
                continue
            if type(record) is dict:
                take(record)
                if ledger.is_odd:
                    yield self._odd(number)
            else:
                yield problem(number, "not_a_record")
            self.lines.open_line = False
            if ledger.full:
                yield from ledger.hand_out()

    def end(self) -> Iterator[Fact | Problem]:
        """A last line without its newline counts when it is whole; else it waits."""
        number, line = self.lines.last()
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            record = None
        if type(record) is dict:
            self.format.take(record)
            if self.ledger.is_odd:
                yield self._odd(number)
            self.lines.take_last()
        elif line.strip(b" \t\r\n\0"):
            yield problem(number, "unfinished")
        yield from self.ledger.hand_out()
        if self.ledger.undated:
            yield problem(max(1, self.lines.newlines), "undated")

    def _odd(self, number: int) -> Problem:
        self.ledger.is_odd = False
        return problem(number, "odd_count")

    def _broken(self, number: int, line: bytes | None) -> Iterator[Problem]:
        if line is None:
            yield problem(number, "too_long")
            return
        records, code = recover(line)
        for record in records:
            self.format.take(record)
        if self.ledger.is_odd:
            yield self._odd(number)
        # The newline of a line that was read before it had one.
        if not (self.lines.open_line and code == "blank"):
            yield problem(number, code)
        self.lines.open_line = False
