"""`friction`: how often a session was interrupted, refused, retried, compacted. Counts alone."""

from collections import Counter, defaultdict

from app.transcripts.formats.lines import Problem
from app.transcripts.formats.signals import COLUMNS, Repeats
from app.transcripts.processors.contract import Context, Lines, Result
from app.transcripts.processors.usage import nothing, open_log, read


class Friction:
    name, version, cadence_s = "friction", 1, 60.0

    def process(self, lines: Lines, context: Context) -> Result:
        if context.form is None:
            return nothing(lines, context)
        carried = context.carried or {"log": None, "seen": []}
        log = open_log(context.form, context, carried["log"])
        seen = Repeats(carried["seen"])
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for item in read(log, lines):
            if isinstance(item, Problem) or item.kind != "signals":
                continue
            if seen.is_new(item.row):
                counts[item.row["session_id"]][COLUMNS[item.row["kind"]]] += 1
        return Result(
            items=sum(each.total() for each in counts.values()),
            friction=counts,
            carried={"log": log.carry(), "seen": list(seen)},
            offset=log.lines.offset,
        )
