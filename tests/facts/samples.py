"""Facts made up at random, from small pools, so that reports of one fact meet often and disagree often."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints
from uuid import UUID

from hypothesis import strategies as st

from app.facts.kinds import SESSION
from app.facts.merging import Kind

BASE = datetime(2026, 3, 8, 6, 59, 50, tzinfo=UTC)
# By code point, by UTF-16 unit and by any language these sort differently.
WORDS = ("a", "B", "b", "é", "z", "\uffee", "😀", "a b", "a-b")
STATES = {"messages": ("running", "completed", "failed"), "tool_calls": ("running", "success", "error")}
ROLES = ("user", "assistant", "system", "tool")

instants = st.sampled_from([BASE + timedelta(seconds=s, microseconds=s % 3) for s in (0, 1, 2, 9, 700, 90_000)])
texts = st.sampled_from(WORDS)
POOLS: dict[type, st.SearchStrategy[Any]] = {
    datetime: instants,
    str: texts,
    bool: st.booleans(),
    int: st.sampled_from([0, 1, 2, 2**31 - 1]),
    float: st.sampled_from([0.0, 0.5, 0.75, 1e300]),
    UUID: st.sampled_from([UUID(int=0), UUID(int=1), UUID(int=2**127), UUID(int=2**128 - 2)]),
}


def values(kind: Kind, name: str, hint: Any) -> st.SearchStrategy[Any]:
    """What a column may hold; null, where its type says so."""
    if name == "status" and kind.table in STATES:
        return st.sampled_from(STATES[kind.table])
    if name == "role":
        return st.sampled_from(ROLES)
    parts = [part for part in getattr(hint, "__args__", ()) if part is not type(None)]
    if parts:
        return st.none() | POOLS[parts[0]]
    return POOLS[hint]


def rows(kind: Kind, ids: st.SearchStrategy[UUID], home: Callable[[str], UUID], people: list[UUID]) -> Any:
    """Rows of a kind as the resolver makes them: columns that come together do."""
    hints = get_type_hints(kind.row)
    columns = {name: values(kind, name, hint) for name, hint in hints.items()}
    columns["id"] = ids
    if kind is SESSION:
        columns["user_id"] = st.sampled_from(people)

    def coupled(row: dict[str, Any]) -> Any:
        for name in columns:
            # Said together or not at all.
            if row.get(f"{name}_at", row) is None or row[name] is None:
                row |= {f"{name}_at": None, name: None} if f"{name}_at" in row else {}
        if "session_key" in row:
            # A fact has a global id, and so a session key, or never has; here all have.
            row["session_key"] = row["session_key"] or WORDS[0]
            row["session_id"], row["user_id"] = home(row["session_key"]), None
        elif "session_id" in row:
            row["session_id"] = home(WORDS[0])
        if "external_id" in row:
            row["external_id"] = str(row["id"])
        return kind.row(**row)  # type: ignore[call-overload]

    return st.fixed_dictionaries(columns).map(coupled)
