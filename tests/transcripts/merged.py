"""What the server makes of rows: one fact an identity. Plain on purpose: maxima and minima over all reports."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from app.transcripts.formats.ledger import Fact
from app.transcripts.formats.lines import Problem

Row = dict[str, Any]
TOKENS = ("input", "output", "cache_read", "cache_creation")
STATES = ("running", "completed", "failed"), ("running", "success", "error")
EARLIEST = {"created_at", "started_at", "session_id"}


class Merged:
    """Facts by identity."""

    def __init__(self, found: Iterable[Fact | Problem]) -> None:
        reports: dict[str, dict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for item in found:
            if isinstance(item, Fact) and item.kind != "signals":
                row = item.row
                reports[item.kind][row.get("global_id") or (row.get("session_id"), row["id"])].append(row)
        self.sessions = {rows[0]["id"]: merge_session(rows) for rows in reports["sessions"].values()}
        self.messages = {key: merge(rows, STATES[0], "completed") for key, rows in reports["messages"].items()}
        self.tools = {key: merge(rows, STATES[1], "success") for key, rows in reports["tool_calls"].items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Merged) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def counted(self) -> dict[str, dict[str, int]]:
        """By session, in the words of expected.json."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.messages.values():
            if row["role"] == "assistant":
                counts = found[row["session_id"]]
                counts["calls"] += 1
                counts.update({name: row.get(f"{name}_tokens", 0) for name in TOKENS})
        for row in self.tools.values():
            counts = found[row["session_id"]]
            counts.update(tool_calls=1, tool_errors=int(row.get("is_error", False)))
        names = ("calls", *TOKENS, "tool_calls", "tool_errors")
        return {session: {name: counts[name] for name in names} for session, counts in found.items()}


def merge(rows: list[Row], states: tuple[str, ...], default: str) -> Row:
    """Earliest beginning, latest end, one report's tokens, furthest state; names by alphabet."""
    merged: Row = {}
    for name in {name for row in rows for name in row}:
        said = [row[name] for row in rows if row.get(name) is not None]
        merged[name] = (min(said) if name in EARLIEST else max(said)) if said else None
    merged["status"] = max((row.get("status", default) for row in rows), key=states.index)
    ranked = [row for row in rows if row.get("usage_rank") is not None]
    if ranked:
        best = min(ranked, key=lambda row: (row["usage_rank"], -sum(row[f"{name}_tokens"] for name in TOKENS)))
        merged |= {name: best[name] for name in best if name.endswith("_tokens") or name == "usage_rank"}
    # A row made by one report has an id of its own; which of several makes it does not matter.
    merged.pop("id")
    return merged


def merge_session(rows: list[Row]) -> Row:
    """What was said last stays; of two said at once, the later in the alphabet."""
    merged: Row = {}
    for name in {name for row in rows for name in row}:
        merged[name] = max((row["updated_at"], row[name]) for row in rows if row.get(name) is not None)[1]
    merged["created_at"] = min(row["created_at"] for row in rows)
    return merged
