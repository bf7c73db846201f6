"""What a log has said so far: one row a session, a message, a tool call, however many lines tell of it.

Rows are handed out when they changed and may come again: who stores them merges them by identity. What is carried over
when a file grows is small: rows long past are forgotten, their next line makes a row of its own to be merged.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Row = dict[str, Any]
# Whose line a message's tokens are: the greater the better.
Rank = tuple[int, int]
TOKEN_CLASSES = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
UNRANKED = 1_000
FAILURE = ("is_error", "status", "error_kind")
# Rows handed out at once, and those remembered afterwards.
MOST_CHANGED = 2_000
REMEMBERED = 16
# Some gateways number tool calls from 1 in every session: only a long id is one for all the world.
GLOBALLY_UNIQUE = 16


class Fact(NamedTuple):
    """A row and its kind: one of the lists of a batch, or "signals", which are no facts."""

    kind: str
    row: Row


class Ledger:
    """Rows that may still change, by identity. Every `at` is an instant, or None as long as the log has named none."""

    def __init__(self, carried: dict[str, dict[str, Any]] | None = None) -> None:
        carried = carried or {}
        self.sessions: dict[str, Row] = carried.get("sessions", {})
        self.messages: dict[str, Row] = carried.get("messages", {})
        self.tools: dict[str, Row] = carried.get("tools", {})
        # What still waits for an instant is handed out once there is one.
        self._changed: dict[str, dict[str, None]] = {
            "sessions": {},
            "messages": {key: None for key, row in self.messages.items() if not dated(row)},
            "tool_calls": {key: None for key, row in self.tools.items() if not dated(row)},
        }
        self._signals = [Fact("signals", row) for row in carried.get("signals", {}).values()]
        self.at: str | None = None
        # Something in the last line should have been a number of tokens.
        self.is_odd = False

    def carry(self) -> dict[str, dict[str, Any]]:
        """What there is to remember once everything was handed out."""
        signals = {fact.row["id"]: fact.row for fact in self._signals}
        return {
            "sessions": self.sessions,
            "messages": self.messages,
            "tools": self.tools,
            "signals": signals,
        }

    @property
    def full(self) -> bool:
        return len(self._changed["messages"]) + len(self._changed["tool_calls"]) + len(self._signals) > MOST_CHANGED

    def read_on(self, at: str | None) -> str | None:
        """When the next line was: its own instant, else its neighbour's."""
        if at is None:
            return self.at
        if self.at is None:
            self._date(at)
        self.at = at
        return at

    def _date(self, at: str) -> None:
        """The first instant of a log dates what came before it."""
        for row in self.messages.values():
            row["created_at"] = row["created_at"] or at
        for row in self.tools.values():
            if row.get("started_at", at) is None:
                row["started_at"] = at
            if row.get("completed_at", at) is None:
                row["completed_at"] = at
        for fact in self._signals:
            fact.row["created_at"] = fact.row["created_at"] or at

    def session(self, key: str, at: str) -> Row:
        """A session was alive at that instant."""
        row = self.sessions.get(key)
        self._changed["sessions"][key] = None
        if row is None:
            row = self.sessions[key] = {"id": key, "created_at": at, "updated_at": at}
        elif at > row["updated_at"]:
            row["updated_at"] = at
        elif at < row["created_at"]:
            row["created_at"] = at
        return row

    def message(self, key: str, said: Row) -> Row:
        """One line about a message: its times and session are merged, a failure stays, all else is the best line's."""
        self._changed["messages"][key] = None
        row = self.messages.get(key)
        if row is None:
            self.messages[key] = said
            return said
        first, last, session = said["created_at"], said.get("completed_at"), said["session_id"]
        if first and row["created_at"] and row["created_at"] < first:
            first = row["created_at"]
        if last is None or last < row.get("completed_at", last):
            last = row.get("completed_at")
        begun = min(filter(None, (row.get("started_at"), said.get("started_at"))), default=None)
        failure = {name: side[name] for side in (row, said) for name in FAILURE if name in side}
        if rank_of(said) > rank_of(row):
            self.messages[key] = row = row | said
        row |= failure
        row["created_at"] = first
        row["session_id"] = min(row["session_id"], session)
        if last:
            row["completed_at"] = last
        if begun:
            row["started_at"] = begun
        return row

    def tool(self, key: str, session: str) -> Row:
        """The row of a tool call that a line speaks of."""
        self._changed["tool_calls"][key] = None
        row = self.tools.get(key)
        if row is None:
            row = self.tools[key] = {"session_id": session, "id": key, "status": "running"}
            if len(key) >= GLOBALLY_UNIQUE:
                row["global_id"] = key
        elif session < row["session_id"]:
            row["session_id"] = session
        return row

    def tool_begun(self, row: Row, at: str | None, name: str | None) -> None:
        known = row.get("started_at")
        row["started_at"] = min(known, at) if known and at else known or at
        if name:
            row["name"] = name

    def tool_ended(self, row: Row, at: str | None, duration: float | None, *, failed: bool) -> None:
        """Of several reports the last in time is its end; an error stays."""
        known = row.get("completed_at")
        row["completed_at"] = max(known, at) if known and at else known or at
        if failed:
            row["status"], row["is_error"] = "error", True
        elif row["status"] == "running":
            row["status"] = "success"
        if duration is not None:
            row["duration_ms"] = duration

    def signal(self, kind: str, session: str, key: str, at: str | None, name: str | None = None) -> None:
        row = {"session_id": session, "id": key, "kind": kind, "name": name, "created_at": at}
        self._signals.append(Fact("signals", row))

    def hand_out(self) -> Iterator[Fact]:
        """What changed since the last time. What has no date yet is kept back."""
        for kind, rows in (("sessions", self.sessions), ("messages", self.messages), ("tool_calls", self.tools)):
            undated: dict[str, None] = {}
            for key in self._changed[kind]:
                row = rows[key]
                if dated(row):
                    yield Fact(kind, row.copy())
                else:
                    undated[key] = None
            self._changed[kind] = undated
        yield from (fact for fact in self._signals if fact.row["created_at"])
        self._signals = [fact for fact in self._signals if not fact.row["created_at"]]
        self._forget()

    @property
    def undated(self) -> bool:
        return any(self._changed.values()) or bool(self._signals)

    def _forget(self) -> None:
        """All but the latest, and what waits for an instant."""
        for kind, rows in (("messages", self.messages), ("tool_calls", self.tools), ("sessions", self.sessions)):
            for key in list(rows)[:-REMEMBERED]:
                if key not in self._changed[kind]:
                    del rows[key]


def rank_of(row: Row) -> Rank:
    """Any line with tokens beats one without; a smaller rank the others, then the larger sum."""
    return -row.get("usage_rank", UNRANKED), sum(row.get(name, 0) for name in TOKEN_CLASSES)


def dated(row: Row) -> bool:
    return bool(row.get("created_at") or row.get("started_at") or row.get("completed_at"))
