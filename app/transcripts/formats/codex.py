"""Codex's logs: `sessions/**/rollout-*.jsonl`, one file a session; before that, the same records without an envelope.

A call of a model is known by a count of tokens whose total differs from the one before: counts are sent twice, and a
fork begins with all its parent said. Input includes what was cached, so that is taken off.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from app.transcripts.formats.ledger import Ledger
from app.transcripts.formats.lines import Record
from app.transcripts.formats.outcomes import failed, failed_event
from app.transcripts.formats.source import Source
from app.transcripts.formats.values import count, instant, is_odd, milliseconds, name, word

AGENT, SUB_AGENT = "codex", "codex sub-agent"
# Calls whose record has no output record after it.
ENDED_AT_ONCE = {"web_search_call", "image_generation_call"}
SIGNALS = {
    "turn_aborted": "interruption",
    "context_compacted": "compaction",
    "error": "api_error",
    "stream_error": "retry",
}
CLASSES = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")
TURN_ID = 36
PAUSE = timedelta(seconds=1)


@dataclass
class State:
    """What is carried over."""

    session: str | None = None
    provider: str | None = None
    model: str | None = None
    agent: str = AGENT
    workspace: str | None = None
    copying: bool = False
    turns: bool = False
    total: list[int] | None = None
    calls: int = 0
    prompts: int = 0
    unnamed: int = 0
    # The one kind of record that tells this file's prompts: newer files tell them twice.
    prompts_as: str | None = None
    # When the model was last given something, when it began to answer that, and when it last did.
    asked: str | None = None
    begun: str | None = None
    answered: str | None = None


class Codex:
    """Takes records one by one; what they say is in the ledger."""

    name = "codex"

    def __init__(self, source: Source, ledger: Ledger, carried: Mapping[str, Any] | None = None) -> None:
        self._source = source
        self._ledger = ledger
        self._state = State(**carried) if carried else State()

    def carry(self) -> dict[str, Any]:
        return asdict(self._state)

    def take(self, record: Record) -> None:
        ledger, state = self._ledger, self._state
        before = ledger.at
        at = ledger.read_on(instant(record.get("timestamp")))
        kind, payload = opened(record)
        if kind == "session_meta":
            self._meta(payload, at)
        elif kind == "turn_context":
            state.model = name(payload.get("model")) or state.model
            self._where(payload)
        if state.copying and self._copied(kind, payload, before, at):
            return
        session = state.session = state.session or self._source.stem
        if at is not None:
            self._alive(session, at)
        if kind == "event_msg":
            self._event(payload, session, at)
        elif kind == "response_item":
            self._item(payload, session, at, bare=payload is record)

    def _meta(self, payload: Mapping[str, Any], at: str | None) -> None:
        """The first is the file's own; a fork repeats its parent's."""
        state = self._state
        if state.session is not None:
            return
        state.session = name(payload.get("id")) or self._source.stem
        state.provider = word(payload.get("model_provider")) or "openai"
        state.copying = type(payload.get("forked_from_id")) is str
        source = payload.get("source")
        if payload.get("thread_source") == "subagent" or (type(source) is dict and "subagent" in source):
            state.agent = SUB_AGENT
        self._where(payload)
        begun = instant(payload.get("timestamp")) or at
        if begun is not None:
            self._alive(state.session, begun)

    def _where(self, payload: Mapping[str, Any]) -> None:
        where = payload.get("cwd")
        if self._state.workspace is None and type(where) is str:
            self._state.workspace = self._source.label(where)

    def _alive(self, session: str, at: str) -> None:
        row = self._ledger.session(session, at)
        row["session_type"] = self._state.agent
        for field, value in (("provider", self._state.provider), ("model", self._state.model)):
            if value is not None:
                row[field] = value
        if self._state.workspace is not None:
            row["workspace"] = self._state.workspace

    def _copied(self, kind: Any, payload: Mapping[str, Any], before: str | None, at: str | None) -> bool:
        """Whether a fork is still repeating its parent: until a turn younger than itself; without turns, a pause."""
        state = self._state
        turn = payload.get("turn_id")
        if (
            type(turn) is str
            and len(turn) == TURN_ID
            and (kind == "turn_context" or payload.get("type") == "task_started")
        ):
            state.turns = True
            # Both are UUIDs of version 7: the younger is the greater.
            state.copying = turn < str(state.session)
        elif not state.turns and before is not None and at is not None:
            state.copying = datetime.fromisoformat(at) - datetime.fromisoformat(before) <= PAUSE
        if state.copying and payload.get("type") == "token_count":
            self._usage(payload)
        return state.copying

    def _event(self, event: Mapping[str, Any], session: str, at: str | None) -> None:
        kind = event.get("type")
        if kind == "token_count":
            self._counted(event, session, at)
        elif kind == "user_message":
            self._prompt(kind, session, at)
        elif kind == "item_completed":
            item = event.get("item")
            if type(item) is dict and item.get("type") == "UserMessage":
                self._prompt("UserMessage", session, at)
        elif kind in ("agent_message", "agent_reasoning"):
            self._answering(at)
        elif kind in ("exec_command_end", "patch_apply_end", "mcp_tool_call_end", "dynamic_tool_call_response"):
            self._end(kind, event, session, at)
        elif kind in SIGNALS:
            self._state.unnamed += 1
            key = f"{session}:signal:{self._state.unnamed}"
            self._ledger.signal(SIGNALS[kind], session, key, at, word(event.get("reason")))

    def _item(self, item: Mapping[str, Any], session: str, at: str | None, *, bare: bool) -> None:
        kind = item.get("type")
        if type(kind) is not str:
            return
        if kind.endswith("_call"):
            self._answering(at)
            self._call(kind, item, session, at)
        elif kind.endswith("_output"):
            self._state.asked = at
            key = name(item.get("call_id"))
            if key is not None:
                self._ledger.tool_ended(self._ledger.tool(key, session), at, None, failed=failed(item.get("output")))
        elif kind == "reasoning" or item.get("role") == "assistant":
            self._answering(at)
        elif bare and item.get("role") == "user" and not is_setting(item.get("content")):
            self._prompt("bare", session, at)

    def _prompt(self, kind: str, session: str, at: str | None) -> None:
        state = self._state
        state.asked = at
        state.prompts_as = state.prompts_as or kind
        if state.prompts_as == kind and state.agent == AGENT:
            state.prompts += 1
            key = f"{session}:prompt:{state.prompts}"
            self._ledger.message(key, {"session_id": session, "id": key, "role": "user", "created_at": at})

    def _answering(self, at: str | None) -> None:
        state = self._state
        state.begun = state.begun or state.asked
        state.answered = at

    def _usage(self, event: Mapping[str, Any]) -> list[int] | None:
        """The tokens of one call by CLASSES; None when the same were told before."""
        info = event.get("info")
        total = info.get("total_token_usage") if type(info) is dict else None
        if type(info) is not dict or type(total) is not dict:
            return None
        now = [count(total.get(name)) for name in (*CLASSES, "total_tokens")]
        before, self._state.total = self._state.total, now
        if now == before:
            return None
        told = [total.get(name) for name in CLASSES]
        last = info.get("last_token_usage")
        if type(last) is dict:
            told += [last.get(name) for name in CLASSES]
        self._ledger.is_odd = any(map(is_odd, told))
        if type(last) is dict:
            return [count(last.get(name)) for name in CLASSES]
        return [max(0, new - old) for new, old in zip(now, before or [0] * len(now), strict=True)][:-1]

    def _counted(self, event: Mapping[str, Any], session: str, at: str | None) -> None:
        used = self._usage(event)
        if used is None or not (any(used) or self._ledger.is_odd):
            return
        state = self._state
        given, read, written, made = used
        state.calls += 1
        key = f"{session}:{state.calls}"
        end = state.answered or at
        said = {
            "session_id": session,
            "id": key,
            "role": "assistant",
            "created_at": end,
            "agent_name": state.agent,
            "model_id": state.model,
            "provider": state.provider,
            "input_tokens": max(0, given - read - written),
            "output_tokens": made,
            "cache_read_tokens": read,
            "cache_creation_tokens": written,
        }
        if state.begun and end and state.begun <= end:
            said |= {"started_at": state.begun, "completed_at": end}
        state.begun = state.answered = None
        self._ledger.message(key, said)

    def _call(self, kind: str, item: Mapping[str, Any], session: str, at: str | None) -> None:
        key = name(item.get("call_id")) or name(item.get("id"))
        if key is None:
            self._state.unnamed += 1
            key = f"{session}:{kind}:{self._state.unnamed}"
        row = self._ledger.tool(key, session)
        tool, space = name(item.get("name")) or kind.removesuffix("_call"), word(item.get("namespace"))
        self._ledger.tool_begun(row, at, name(f"{space.rstrip('_')}__{tool}") if space else tool)
        if kind in ENDED_AT_ONCE:
            self._ledger.tool_ended(row, at, None, failed=item.get("status") == "failed")

    def _end(self, kind: str, event: Mapping[str, Any], session: str, at: str | None) -> None:
        """An event that tells a call's outcome better than its output does."""
        key = name(event.get("call_id"))
        if key is None:
            return
        row = self._ledger.tool(key, session)
        if "name" not in row:
            self._ledger.tool_begun(row, at, ended_tool(kind, event))
        self._ledger.tool_ended(row, at, duration(event.get("duration")), failed=failed_event(event))


def opened(record: Record) -> tuple[Any, Mapping[str, Any]]:
    """Kind and contents. The old format has no envelope, and a first line that is the session's."""
    payload, kind = record.get("payload"), record.get("type")
    if type(payload) is dict:
        return kind, payload
    return "session_meta" if kind is None and "timestamp" in record else "response_item", record


def ended_tool(kind: str, event: Mapping[str, Any]) -> str | None:
    """What to call a tool that only its end names."""
    invocation = event.get("invocation")
    if type(invocation) is dict:
        return name(f"mcp__{invocation.get('server')}__{invocation.get('tool')}")
    return name(event.get("tool")) or {"exec_command_end": "exec_command", "patch_apply_end": "apply_patch"}.get(kind)


def duration(said: Any) -> float | None:
    if type(said) is not dict:
        return None
    seconds, nanos = milliseconds(said.get("secs")), milliseconds(said.get("nanos"))
    return None if seconds is None or nanos is None else milliseconds(seconds * 1000 + nanos / 1e6)


def is_setting(content: Any) -> bool:
    """What the program put before the person's words."""
    first = content[0] if type(content) is list and content else None
    text = first.get("text") if type(first) is dict else None
    return type(text) is not str or text.lstrip().startswith(("<", "# AGENTS.md"))
