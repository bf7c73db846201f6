"""`usage`: sessions, messages and tool calls become facts, through the same door as those that producers send."""

from collections import defaultdict
from typing import Any

from app.transcripts.formats.ledger import Fact
from app.transcripts.formats.lines import Problem
from app.transcripts.formats.log import Log
from app.transcripts.formats.source import Source
from app.transcripts.processors.contract import Context, Lines, Result

Found = list[Fact | Problem]
UNKNOWN = Problem(1, "unknown_format", "The file is no log of an agent that Tally knows; nothing was read from it.")


class Usage:
    name, version, cadence_s = "usage", 1, 30.0

    def process(self, lines: Lines, context: Context) -> Result:
        if context.form is None:
            return nothing(lines, context, UNKNOWN)
        log = open_log(context.form, context, context.carried)
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        problems = []
        for item in read(log, lines):
            if isinstance(item, Problem):
                problems.append(item)
            elif item.kind != "signals":
                rows[item.kind].append(item.row)
        return Result(
            items=sum(map(len, rows.values())),
            rows=rows,
            problems=problems,
            carried=log.carry(),
            offset=log.lines.offset,
        )


def open_log(form: str, context: Context, carried: Any) -> Log:
    source = Source(context.stem, context.label)
    return Log.start(form, source) if carried is None else Log.resume(carried, source)


def read(log: Log, lines: Lines) -> Found:
    """All that a portion says. What its last line began to say stands at the beginning of the next."""
    return [*log.feed(lines.content), *(log.end() if lines.is_end else log.ledger.hand_out())]


def nothing(lines: Lines, context: Context, *problems: Problem) -> Result:
    """A file that is no log: passed over to its end, and said once."""
    said = problems if context.carried is None else ()
    return Result(problems=said, offset=lines.offset + len(lines.content))
