"""`usage`: sessions, messages and tool calls become facts, through the same door as those that producers send."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from app.transcripts.formats.ledger import Fact
from app.transcripts.formats.lines import Problem
from app.transcripts.formats.log import Log
from app.transcripts.formats.source import Source
from app.transcripts.processors.contract import MOST_PROBLEMS, Context, Lines, Result

UNKNOWN = Problem(1, "unknown_format", "The file is no log of an agent that Tally knows; nothing was read from it.")


class Usage:
    name, version, cadence_s = "usage", 1, 30.0

    def process(self, lines: Lines, context: Context) -> Result:
        if context.form is None:
            return nothing(lines, context, UNKNOWN)
        log = open_log(context.form, context, context.carried)
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        problems = dict[tuple[int, str], Problem]()
        for item in read(log, lines):
            if isinstance(item, Problem):
                # A log may be broken on every line.
                if len(problems) < MOST_PROBLEMS:
                    problems.setdefault((item.line, item.code), item)
            elif item.kind != "signals":
                rows[item.kind].append(item.row)
        return Result(
            items=sum(map(len, rows.values())),
            rows=rows,
            problems=list(problems.values()),
            carried=log.carry(),
            offset=log.lines.offset,
        )


def open_log(form: str, context: Context, carried: Any) -> Log:
    source = Source(context.stem, context.label)
    return Log.start(form, source) if carried is None else Log.resume(carried, source)


def read(log: Log, lines: Lines) -> Iterator[Fact | Problem]:
    """All that a portion says. What its last line began to say stands at the beginning of the next."""
    yield from log.feed(lines.content)
    yield from log.end() if lines.is_end else log.ledger.hand_out()


def nothing(lines: Lines, context: Context, *problems: Problem) -> Result:
    """A file that is no log: passed over to its end, and said once."""
    said = problems if context.carried is None else ()
    return Result(problems=said, offset=lines.offset + len(lines.content))
