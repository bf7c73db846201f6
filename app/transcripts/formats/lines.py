"""From bytes to records: cuts lines, reads each as JSON, and recovers what can be recovered from those that are not."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

Record = dict[str, Any]
# Longer than any line seen; a file without a newline must not fill the memory.
LONGEST = 16 * 2**20
MOST_RESTARTS = 20
# So many empty lines are told of: a file may hold nothing else, millions of them.
MOST_BLANK = 1_000
BLANK = b" \t\r\n"
BOM = b"\xef\xbb\xbf"
BETWEEN = re.compile(r"[ \t\r\n\0\ufeff]*")
# How records begin; a line may hold one that begins in the midst of another that was cut off.
BEGINNING = re.compile(r'\{\s*"(?:parentUuid|type|timestamp|sessionId|uuid|isSidechain|logicalParentUuid|payload)"')
# How JSON begins that is no record; what begins otherwise and holds none need not be searched.
VALUES = b'["-0123456789tfnNI'
LENIENT = json.JSONDecoder(strict=False)
SENTENCES = {
    "blank": "The line is empty.",
    "comment": "The line is a comment.",
    "bom": "The line begins with a byte order mark; it was read without it.",
    "nul": "The line holds NUL bytes; it was read without them.",
    "bad_utf8": "The line is not valid UTF-8; what could be read of it was.",
    "not_strict": "The line is not strict JSON; it was read all the same.",
    "joined": "The line holds more than one record; each was read.",
    "cut": "A record on the line ends in its middle.",
    "malformed": "The line is not JSON throughout; what could be read of it was.",
    "too_deep": "The line is nested too deeply.",
    "too_long": f"The line is longer than {LONGEST // 2**20} MiB.",
    "odd_count": "A number of tokens on the line is none; it counted nothing.",
    "not_a_record": "The line is JSON, but not a record.",
    "unfinished": "The last line is not finished; it waits for the rest.",
    "undated": "Nothing in the file says when it was; what it counts was left out.",
}


class Problem(NamedTuple):
    """What is wrong with a line. Never what stands in it."""

    line: int
    code: str
    detail: str


def problem(line: int, code: str) -> Problem:
    return Problem(line, code, SENTENCES[code])


@dataclass
class Lines:
    """Cuts a growing file into lines. Carried over, it goes on at `offset`, the first byte not yet read."""

    offset: int = 0
    newlines: int = 0
    # The last line was whole without its newline, and has been read: what follows belongs to the same line.
    open_line: bool = False
    dropping: bool = False
    _rest: list[bytes] = field(default_factory=list, repr=False)
    _held: int = field(default=0, repr=False)
    _blank: int = field(default=0, repr=False)

    def cut(self, chunk: bytes) -> Iterator[tuple[int, bytes | None]]:
        """Line numbers from 1 with the finished lines of a chunk; None for a line too long to be read.

        Empty lines count; but where there are very many they are passed over.
        """
        head, newline, tail = chunk.partition(b"\n")
        if not newline:
            self._hold(chunk)
            return
        self._hold(head)
        lines = tail.split(b"\n")
        rest = lines.pop()
        first = self._first()
        if first[1] is None or not self._is_passed_over(first[1]):
            yield first
        if self._blank >= MOST_BLANK and tail.isspace():
            self.newlines += len(lines)
            self.offset += len(tail) - len(rest)
            lines = []
        for line in lines:
            self.newlines += 1
            self.offset += len(line) + 1
            if not line[:2].strip() and self._is_passed_over(line):
                continue
            yield self.newlines, line
        self._hold(rest)

    def _is_passed_over(self, line: bytes) -> bool:
        if line.strip(BLANK):
            return False
        self._blank += 1
        return self._blank > MOST_BLANK

    def _hold(self, part: bytes) -> None:
        self._held += len(part)
        if self._held > LONGEST or self.dropping:
            self.dropping = True
            self.offset += self._held
            self._held = 0
            self._rest.clear()
        elif part:
            self._rest.append(part)

    def _first(self) -> tuple[int, bytes | None]:
        """The line that began in an earlier chunk."""
        line = None if self.dropping else b"".join(self._rest)
        self.newlines += 1
        self.offset += self._held + 1
        self._held, self.dropping = 0, False
        self._rest.clear()
        return self.newlines, line

    def last(self) -> tuple[int, bytes]:
        """What stands after the last newline."""
        return self.newlines + 1, b"".join(self._rest)

    def take_last(self) -> None:
        """It was whole: it will not be read again."""
        self.offset += self._held
        self._held, self.open_line = 0, True
        self._rest.clear()


def recover(line: bytes) -> tuple[list[Record], str]:
    """The records of a line that is not one JSON object, and the code of what is wrong with it."""
    bare = line.removeprefix(BOM).strip(b" \t\r\n\0")
    if not bare:
        return [], "nul" if b"\0" in line else "blank"
    if bare.startswith((b"//", b"#")):
        return [], "comment"
    if b"{" not in bare and bare[0] not in VALUES:
        return [], "malformed"
    try:
        record = orjson.loads(bare)
    except orjson.JSONDecodeError:
        return search(bare)
    if type(record) is not dict:
        return [], "not_a_record"
    return [record], "bom" if line.startswith(BOM) else "nul"


def search(line: bytes) -> tuple[list[Record], str]:
    """Whatever records a broken line holds."""
    try:
        text, code = line.decode(), "nul" if b"\0" in line else "not_strict"
    except UnicodeDecodeError:
        text, code = line.decode(errors="replace"), "bad_utf8"
    try:
        records, end, broken = read_on(text, 0)
        if broken and (more := restart(text, end + 1)):
            # What another record begins in the midst of was cut off, whatever the parser thought of it.
            records, broken = records + more, "cut"
    except RecursionError:
        return [], "too_deep"
    if len(records) > 1:
        return records, "joined"
    return records, broken or (code if records else "not_a_record")


def read_on(text: str, start: int) -> tuple[list[Record], int, str]:
    """Records one after the other; where the one begins that is broken, and how it is."""
    records: list[Record] = []
    while start < len(text):
        try:
            record, end = LENIENT.raw_decode(text, start)
        except json.JSONDecodeError as error:
            # A string without an end is blamed on its beginning.
            cut = text[start] == "{" and (error.pos >= len(text) - 1 or error.msg.startswith("Unterminated"))
            return records, start, "cut" if cut else "malformed"
        except ValueError:
            return records, start, "malformed"
        if type(record) is dict:
            records.append(record)
        start = BETWEEN.match(text, end).end()  # type: ignore[union-attr]
    return records, start, ""


def restart(text: str, start: int) -> list[Record]:
    """A record that begins inside a broken line and lasts to its end. One that ends before is a part of another."""
    for begin in list(BEGINNING.finditer(text, start))[:MOST_RESTARTS]:
        records, _, broken = read_on(text, begin.start())
        if not broken and all("sessionId" in record or "payload" in record for record in records):
            return records
    return []
