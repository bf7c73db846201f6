"""`friction`: that a session was interrupted, refused, retried, compacted. Nothing of what was said."""

from collections import defaultdict

from app.transcripts.formats.lines import Problem
from app.transcripts.formats.signals import COLUMNS, Repeats, mark
from app.transcripts.processors.contract import Context, Lines, Result
from app.transcripts.processors.usage import nothing, open_log, read


class Friction:
    name, version, cadence_s = "friction", 2, 60.0

    def process(self, lines: Lines, context: Context) -> Result:
        if context.form is None:
            return nothing(lines, context)
        carried = context.carried or {"log": None, "seen": []}
        log = open_log(context.form, context, carried["log"])
        seen = Repeats(carried["seen"])
        told: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        items = 0
        for item in read(log, lines):
            if isinstance(item, Problem) or item.kind != "signals":
                continue
            if seen.is_new(item.row):
                told[item.row["session_id"]][COLUMNS[item.row["kind"]]].append(mark(item.row))
                items += 1
        return Result(
            items=items,
            friction=told,
            carried={"log": log.carry(), "seen": list(seen)},
            offset=log.lines.offset,
        )
