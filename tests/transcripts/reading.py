"""Reading a log in tests: at once, in pieces, with what is carried over going through JSON as it would be kept."""

import json
from collections.abc import Iterable
from typing import Any

from app.facts.rows import ROWS
from app.facts.workspaces import labeller
from app.transcripts.formats.ledger import Fact
from app.transcripts.formats.lines import Problem
from app.transcripts.formats.log import Log
from app.transcripts.formats.source import Source

SOURCE = Source("the-file", labeller("full_path", b"secret"))
AT = "2026-03-01T10:00:{:02}.000Z"


def read(form: str, *chunks: bytes, source: Source = SOURCE) -> list[Fact | Problem]:
    log = Log.start(form, source)
    return [*(found for chunk in chunks for found in log.feed(chunk)), *log.end()]


def read_growing(form: str, pieces: Iterable[bytes]) -> list[Fact | Problem]:
    """Each piece is appended to the file and the file is read on, by a process that knows only what was kept."""
    log, file, found = Log.start(form, SOURCE), b"", list[Fact | Problem]()
    for piece in pieces:
        file += piece
        log = Log.resume(json.loads(json.dumps(log.carry())), SOURCE)
        found += [*log.feed(file[log.lines.offset :]), *log.end()]
    return found


def facts(found: Iterable[Fact | Problem], kind: str) -> list[dict[str, Any]]:
    return [item.row for item in found if isinstance(item, Fact) and item.kind == kind]


def problems(found: Iterable[Fact | Problem]) -> list[tuple[int, str]]:
    return [(item.line, item.code) for item in found if isinstance(item, Problem)]


def lines(*records: Any) -> bytes:
    """As a log: a record a line, each a second after the other unless it says when it was."""
    made = [{"timestamp": AT.format(n), **record} for n, record in enumerate(records)]
    return b"".join(json.dumps(record).encode() + b"\n" for record in made)


def validate(found: Iterable[Fact | Problem]) -> None:
    """Every row is one that the server takes, also after its way through JSON."""
    for item in found:
        if isinstance(item, Fact) and item.kind != "signals":
            ROWS[item.kind].model_validate_json(json.dumps(item.row))
            ROWS[item.kind].model_validate(item.row)
