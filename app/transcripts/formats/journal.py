"""Event journals: threads, turns and tool calls as they begin and end, a line each.

Pure: bytes in, rows out. Each event is a row by itself; the beginning and the end of a turn, in either order, become
one message where rows are merged. So nothing need be remembered of a journal but how far it was read.
Fields that are not named here are passed over unseen: what anybody said is among them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from app.transcripts.formats import values
from app.transcripts.formats.ledger import Fact, Row
from app.transcripts.formats.lines import BOM, Lines, Problem, Record, problem, recover

# Each field by its own name first, then as others write it.
SPELLED: Mapping[str, tuple[str, ...]] = {
    "type": ("type", "event", "event_type"),
    "at": ("at", "timestamp", "time", "ts", "created_at", "occurred_at"),
    "thread": ("thread_id", "threadId", "session_id", "sessionId", "conversation_id"),
    "turn": ("turn_id", "turnId", "message_id", "messageId"),
    "call": ("tool_call_id", "toolCallId", "call_id", "callId", "tool_use_id"),
    "global_id": ("global_id", "globalId"),
    "provider": ("provider", "provider_name", "model_provider"),
    "model": ("model", "model_id", "modelId"),
    "agent": ("agent_name", "agentName", "agent"),
    "tool": ("name", "tool_name", "toolName", "tool"),
    "workspace": ("workspace", "cwd"),
    "started": ("started_at", "startedAt"),
    "completed": ("completed_at", "completedAt", "ended_at"),
    "duration": ("duration_ms", "durationMs", "response_time_ms", "latency_ms"),
    "kind": ("error_kind", "errorKind", "error_type", "error_code"),
    "user_id": ("user_id", "userId"),
    "user_email": ("user_email", "userEmail"),
}
# Four disjoint classes. What OpenAI calls cached is a part of the input, so it is taken from there.
TOKENS: Mapping[str, tuple[str, ...]] = {
    "input_tokens": ("input_tokens", "inputTokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "outputTokens", "completion_tokens"),
    "cache_read_tokens": ("cache_read_tokens", "cacheReadTokens", "cache_read_input_tokens", "cacheReadInputTokens"),
    "cache_creation_tokens": (
        "cache_creation_tokens",
        "cacheCreationTokens",
        "cache_creation_input_tokens",
        "cacheCreationInputTokens",
    ),
}
PART_OF_INPUT = ("cached_input_tokens", "cachedInputTokens")
FAILED = ("error", "failed", "failure")
MILLISECONDS_FROM = 10**11


class Wrong(Exception):
    """What is wrong with an event, in a sentence that holds nothing of it."""


def said(record: Record, field: str) -> Any:
    for spelling in SPELLED[field]:
        value = record.get(spelling)
        if value is not None:
            return value
    return None


def name(record: Record, field: str) -> str | None:
    """An id or a name; ids may be numbers."""
    value = said(record, field)
    return str(value) if type(value) is int else values.name(value)


def needed(record: Record, field: str) -> str:
    found = name(record, field)
    if found is None:
        raise Wrong(f"It has no {SPELLED[field][0]}.")
    return found


def moment(value: Any, field: str) -> str:
    """RFC 3339; or a number of seconds, or of milliseconds, since 1970."""
    if type(value) in (int, float):
        seconds = value / 1000 if value >= MILLISECONDS_FROM else value
        try:
            value = datetime.fromtimestamp(seconds, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            value = None
    found = values.instant(value)
    if found is None:
        raise Wrong(f"Its {field} is no instant such as 2026-05-01T08:00:00Z.")
    return found


def at(record: Record) -> str:
    value = said(record, "at")
    if value is None:
        raise Wrong("It has no at: when it happened.")
    return moment(value, "at")


def optional_moment(record: Record, field: str) -> str | None:
    value = said(record, field)
    return None if value is None else moment(value, SPELLED[field][0])


def known(**fields: Any) -> Row:
    return {key: value for key, value in fields.items() if value is not None}


def duration(record: Record) -> float | None:
    value = said(record, "duration")
    if value is not None and values.milliseconds(value) is None:
        raise Wrong("Its duration_ms is no number of milliseconds.")
    return values.milliseconds(value)


def tokens(record: Record) -> Row:
    usage = record.get("usage")
    if usage is None:
        return {}
    if type(usage) is not dict:
        raise Wrong("Its usage is no object of token counts.")
    counts = {field: number(usage, names) for field, names in TOKENS.items()}
    cached = number(usage, PART_OF_INPUT)
    counts["input_tokens"] = max(0, counts["input_tokens"] - cached)
    counts["cache_read_tokens"] += cached
    return counts


def number(usage: Record, names: tuple[str, ...]) -> int:
    value: Any = 0
    for spelling in names:
        if usage.get(spelling) is not None:
            value = usage[spelling]
            break
    if type(value) is not int or not 0 <= value <= values.LARGEST:
        raise Wrong(f"Its usage.{names[0]} is no number of tokens.")
    return value


def error_kind(record: Record) -> str | None:
    """A word, never a sentence: errors are told in sentences too."""
    error = record.get("error")
    inside = error if type(error) is dict else {"kind": error}
    told = said(record, "kind") or inside.get("kind") or inside.get("type") or inside.get("code")
    return values.word(str(told) if type(told) is int else told)


def thread(record: Record) -> Fact:
    own = known(
        provider=name(record, "provider"),
        model=name(record, "model"),
        workspace=values.name(said(record, "workspace")),
        user_id=values.word(said(record, "user_id")),
        user_email=values.word(said(record, "user_email")),
    )
    return Fact("sessions", {"id": needed(record, "thread"), "created_at": at(record), **own})


def turn(record: Record, status: str, **more: Any) -> Fact:
    """One turn of an agent is one message of its."""
    own = known(
        global_id=name(record, "global_id"),
        agent_name=name(record, "agent"),
        model_id=name(record, "model"),
        provider=name(record, "provider"),
        **more,
    )
    ids = {"session_id": needed(record, "thread"), "id": needed(record, "turn")}
    return Fact("messages", {**ids, "role": "assistant", "status": status, **own})


def turn_started(record: Record) -> Fact:
    begun = optional_moment(record, "started") or at(record)
    return turn(record, "running", created_at=begun, started_at=begun)


def turn_completed(record: Record, status: str = "completed", **more: Any) -> Fact:
    ended, begun = optional_moment(record, "completed") or at(record), optional_moment(record, "started")
    times = {"created_at": begun or ended, "started_at": begun, "completed_at": ended}
    return turn(record, status, **times, response_time_ms=duration(record), **tokens(record), **more)


def turn_failed(record: Record) -> Fact:
    return turn_completed(record, "failed", error_kind=error_kind(record))


def call(record: Record, status: str, **more: Any) -> Fact:
    own = known(global_id=name(record, "global_id"), message_id=name(record, "turn"), name=name(record, "tool"), **more)
    return Fact(
        "tool_calls",
        {"session_id": needed(record, "thread"), "id": needed(record, "call"), "status": status, **own},
    )


def call_started(record: Record) -> Fact:
    return call(record, "running", started_at=optional_moment(record, "started") or at(record))


def call_completed(record: Record) -> Fact:
    failed = record.get("is_error") is True or record.get("status") in FAILED or bool(record.get("error"))
    return call_ended(record, "error" if failed else "success")


def call_ended(record: Record, status: str = "error") -> Fact:
    ended, begun = optional_moment(record, "completed") or at(record), optional_moment(record, "started")
    return call(record, status, started_at=begun, completed_at=ended, duration_ms=duration(record))


# By the letters of the type alone: thread.created, thread_created and threadCreated are one.
LETTERS = re.compile(r"[^a-z]")
EVENTS: Mapping[str, Callable[[Record], Fact]] = {
    "threadcreated": thread,
    "threadstarted": thread,
    "turnstarted": turn_started,
    "turncompleted": turn_completed,
    "turnfailed": turn_failed,
    "toolcallstarted": call_started,
    "toolcallcompleted": call_completed,
    "toolcallfailed": call_ended,
}


def fact(record: Record) -> Fact | None:
    """What an event tells; None for a kind of event that tells nothing we count. Raises Wrong."""
    kind = said(record, "type")
    if type(kind) is not str:
        raise Wrong("It has no type.")
    read = reader(kind)
    return read(record) if read else None


@lru_cache(maxsize=256)
def reader(kind: str) -> Callable[[Record], Fact] | None:
    return EVENTS.get(LETTERS.sub("", kind.lower()))


@dataclass
class Journal:
    """Feed it the bytes from `lines.offset` on, in chunks of any size; at the end of what there is, say `end()`."""

    lines: Lines = field(default_factory=Lines)
    # Events of other kinds, and whether a last line waits for its rest.
    ignored: int = 0
    waits: bool = False

    def feed(self, chunk: bytes) -> Iterator[tuple[int, Fact] | Problem]:
        """Facts with the number of their line."""
        for number, line in self.lines.cut(chunk):
            self.lines.open_line = False
            if line is None:
                yield problem(number, "too_long")
            elif line.strip(b" \t\r"):
                yield from self._read(number, line.removeprefix(BOM) if number == 1 else line)

    def end(self) -> Iterator[tuple[int, Fact] | Problem]:
        """A last line without its newline counts when it is whole; else it waits."""
        number, line = self.lines.last()
        try:
            whole = type(orjson.loads(line.removeprefix(BOM))) is dict
        except orjson.JSONDecodeError:
            whole = False
        self.waits = not whole and bool(line.strip())
        if whole:
            self.lines.take_last()
            yield from self._read(number, line.removeprefix(BOM))

    def _read(self, number: int, line: bytes) -> Iterator[tuple[int, Fact] | Problem]:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            records, code = recover(line)
            yield problem(number, code)
        else:
            records = [record] if type(record) is dict else []
            if not records:
                yield problem(number, "not_a_record")
        for one in records:
            try:
                told = fact(one)
            except Wrong as wrong:
                yield Problem(number, "invalid", str(wrong))
            else:
                self.ignored += told is None
                if told is not None:
                    yield number, told
