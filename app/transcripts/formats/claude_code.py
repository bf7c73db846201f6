"""Claude Code's logs: `projects/**/*.jsonl`, one file a session or a sub-agent.

One call of a model is spread over many lines that repeat its id and its usage, which grows; files repeat lines of other
files. So a call is told apart by its own id wherever it stands, and its tokens are one whole line's: a line of its own
before the copy in a progress line, the main conversation's before a sidechain's, then the line with most tokens.
"""

import re
from collections.abc import Mapping
from typing import Any

from app.transcripts.formats.ledger import TOKEN_CLASSES, Ledger, Row
from app.transcripts.formats.lines import Record
from app.transcripts.formats.source import Source
from app.transcripts.formats.values import count, first_word, instant, is_odd, milliseconds, name, word

# Reports merge names by taking the later in the alphabet: a call that the main conversation records as well is its own.
AGENT, SUB_AGENT = "claude-code", "claude sub-agent"
SYNTHETIC = "<synthetic>"
OWN, COPY = 0, 1
MOST_SCOPES = 16
TOKENS = (*TOKEN_CLASSES, "cache_creation_1h_tokens")
COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
LIVES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
# What the program writes in a person's place: commands, their output, and notes about them.
ECHO = re.compile(
    r"\s*(?:<(?:command-name|command-message|command-args|local-command-\w+|bash-(?:input|stdout|stderr)|"
    r"task-notification|system-reminder)>|\[Request interrupted by user|Caveat: The messages below)"
)
COMMAND = re.compile(r"<command-name>\s*([^<]{1,200})</command-name>")
INTERRUPTED = "[Request interrupted by user"
REJECTED = "The user doesn't want to"
NAMED_TOOLS = {
    "Skill": ("skill", ("skill", "command")),
    "SlashCommand": ("command", ("command",)),
    "Task": ("sub_agent", ("subagent_type",)),
    "Agent": ("sub_agent", ("subagent_type",)),
}


class ClaudeCode:
    """Takes records one by one; what they say is in the ledger."""

    name = "claude_code"

    def __init__(self, source: Source, ledger: Ledger, carried: Mapping[str, Any] | None = None) -> None:
        carried = carried or {}
        self._source = source
        self._ledger = ledger
        self._session: str | None = carried.get("session")
        # When each conversation was last asked something: where its next call began.
        self._asked: dict[str, str] = dict(carried.get("asked", {}))

    def carry(self) -> dict[str, Any]:
        return {"session": self._session, "asked": dict(list(self._asked.items())[-MOST_SCOPES:])}

    def take(self, record: Record) -> None:
        at = self._ledger.read_on(instant(record.get("timestamp")))
        session, kind = self._whose(record), record.get("type")
        if session is None:
            return
        if at is not None:
            self._alive(session, at, record)
        if kind == "assistant":
            self._answer(record, session, at, OWN)
        elif kind == "user":
            self._asking(record, session, at, OWN)
        elif kind == "progress":
            self._progress(record, session, at)
        elif kind == "system":
            self._system(record, session, at)

    def _whose(self, record: Record) -> str | None:
        """The line's own session, else its neighbour's, else the one the file is named after where that matters."""
        session = name(record.get("sessionId"))
        if session is None and self._session is None and record.get("type") in ("assistant", "user"):
            session = self._source.stem
        self._session = session or self._session
        return self._session

    def _alive(self, session: str, at: str, record: Record) -> None:
        row = self._ledger.session(session, at)
        if "provider" not in row:
            row["provider"], row["session_type"] = "anthropic", AGENT
        if "workspace" not in row:
            where = record.get("cwd")
            label = self._source.label(where) if type(where) is str else None
            if label:
                row["workspace"] = label

    def _answer(self, record: Record, session: str, at: str | None, copy: int) -> None:
        """A line of a model's call, or of the program speaking in its place."""
        message = record.get("message")
        if type(message) is not dict:
            return
        key = name(record.get("requestId")) or name(message.get("id")) or name(record.get("uuid"))
        if key is None:
            return
        side = copy or record.get("isSidechain") is True
        said: Row = {
            "session_id": session,
            "id": key,
            "global_id": key,
            "role": "assistant",
            "created_at": at,
            "agent_name": SUB_AGENT if side else AGENT,
        }
        if record.get("isApiErrorMessage") is True:
            said |= self._error(record, session, key, at)
        else:
            self._call(record, message, said, at)
        if "input_tokens" in said:
            said["usage_rank"] = 2 * copy + side
        self._ledger.message(key, said)
        if not side and session in self._ledger.sessions and said.get("model_id"):
            self._ledger.sessions[session]["model"] = said["model_id"]
        for block in blocks(message, "tool_use"):
            self._tool(block, session, at, key)

    def _error(self, record: Record, session: str, key: str, at: str | None) -> Row:
        error = word(record.get("error")) or "api_error"
        self._ledger.signal("api_error", session, key, at, error)
        return {"is_error": True, "status": "failed", "error_kind": error}

    def _call(self, record: Record, message: Mapping[str, Any], said: Row, at: str | None) -> None:
        """Model, tokens and times. What the program made up is no model's."""
        model = name(message.get("model"))
        if model == SYNTHETIC:
            return
        said["model_id"], said["provider"] = model, provider(name(message.get("id")), model)
        asked = self._asked.get(scope(record))
        if at is not None and asked is not None and asked <= at:
            said["started_at"], said["completed_at"] = asked, at
        usage = message.get("usage")
        add_usage(said, usage)
        if type(usage) is dict and has_odd(usage):
            self._ledger.is_odd = True

    def _tool(self, block: Mapping[str, Any], session: str, at: str | None, message: str) -> None:
        key = name(block.get("id"))
        if key is None:
            return
        row = self._ledger.tool(key, session)
        tool = name(block.get("name"))
        self._ledger.tool_begun(row, at, tool)
        row["message_id"] = message
        if tool in NAMED_TOOLS:
            kind, fields = NAMED_TOOLS[tool]
            given = block.get("input")
            found = [given[field] for field in fields if field in given] if type(given) is dict else []
            if found:
                self._ledger.signal(kind, session, key, at, first_word(found[0]))

    def _asking(self, record: Record, session: str, at: str | None, copy: int) -> None:
        """A line to the model: a person's words, or what its tools answered."""
        message = record.get("message")
        if type(message) is not dict:
            return
        if at is not None:
            self._asked[scope(record)] = at
        results = blocks(message, "tool_result")
        for block in results:
            self._result(block, session, at, record.get("toolUseResult") if len(results) == 1 else None)
        if not results and not copy:
            self._words(record, message.get("content"), session, at)

    def _result(self, block: Mapping[str, Any], session: str, at: str | None, details: Any) -> None:
        key = name(block.get("tool_use_id"))
        if key is None:
            return
        failed = block.get("is_error") is True
        duration = None
        if type(details) is dict:
            duration = milliseconds(details.get("totalDurationMs", details.get("durationMs")))
        self._ledger.tool_ended(self._ledger.tool(key, session), at, duration, failed=failed)
        if failed and text_of(block.get("content")).startswith(REJECTED):
            self._ledger.signal("rejected_tool", session, key, at)

    def _words(self, record: Record, content: Any, session: str, at: str | None) -> None:
        """A person's prompt, a command, an interruption; or what the program says in a person's name."""
        key = name(record.get("uuid")) or f"prompt {at}"
        text = text_of(content)
        if record.get("isSidechain") is True or record.get("isMeta") is True:
            return
        if text.startswith(INTERRUPTED):
            self._ledger.signal("interruption", session, key, at)
        elif command := COMMAND.search(text, 0, 2_000):
            self._ledger.signal("command", session, key, at, first_word(command[1]))
        elif is_persons(record, text):
            said = {"session_id": session, "id": key, "role": "user", "created_at": at}
            if "uuid" in record:
                said["global_id"] = key
            self._ledger.message(key, said)

    def _progress(self, record: Record, session: str, at: str | None) -> None:
        """A copy of what a sub-agent said: counts where nothing else records it."""
        data = record.get("data")
        inner = data.get("message") if type(data) is dict else None
        if type(inner) is not dict or type(data) is not dict:
            return
        at = instant(inner.get("timestamp")) or at
        copied = {"isSidechain": True, "agentId": data.get("agentId")} | inner
        if inner.get("type") == "assistant":
            self._answer(copied, session, at, COPY)
        elif inner.get("type") == "user":
            self._asking(copied, session, at, COPY)

    def _system(self, record: Record, session: str, at: str | None) -> None:
        subtype = record.get("subtype")
        if subtype not in ("api_error", "compact_boundary"):
            return
        key = name(record.get("uuid")) or f"{subtype} {at}"
        if subtype == "compact_boundary":
            self._ledger.signal("compaction", session, key, at)
        else:
            error = record.get("error")
            status = error.get("status") if type(error) is dict else None
            self._ledger.signal("retry", session, key, at, str(status) if type(status) is int else None)


def blocks(message: Mapping[str, Any], kind: str) -> list[Record]:
    content = message.get("content")
    if type(content) is not list:
        return []
    return [block for block in content if type(block) is dict and block.get("type") == kind]


def scope(record: Mapping[str, Any]) -> str:
    """One conversation of those a file interleaves."""
    return name(record.get("agentId")) or ("sidechain" if record.get("isSidechain") is True else "")


def add_usage(said: Row, usage: Any) -> None:
    """Four disjoint classes, and of what was cached how much for an hour."""
    if type(usage) is not dict:
        return
    tokens = classes(usage)
    iterations = usage.get("iterations")
    if type(iterations) is list:
        for more in iterations:
            if type(more) is dict and more.get("type") == "advisor_message":
                tokens = [count(one + other) or one for one, other in zip(tokens, classes(more), strict=True)]
    said |= zip(TOKENS, tokens, strict=True)


def has_odd(usage: Mapping[str, Any]) -> bool:
    """Whether something stands there that is no number of tokens."""
    lives = usage.get("cache_creation")
    return any(is_odd(usage.get(name)) for name in COUNTS) or (
        type(lives) is dict and any(is_odd(lives.get(name)) for name in LIVES)
    )


def classes(usage: Mapping[str, Any]) -> list[int]:
    """In the order of TOKENS. Cache creation is the sum of its two lives where they are told apart."""
    lives, for_an_hour = usage.get("cache_creation"), 0
    if type(lives) is dict:
        for_an_hour = count(lives.get("ephemeral_1h_input_tokens"))
        created = count(lives.get("ephemeral_5m_input_tokens")) + for_an_hour
    else:
        created = count(usage.get("cache_creation_input_tokens"))
    read = count(usage.get("cache_read_input_tokens"))
    return [count(usage.get("input_tokens")), count(usage.get("output_tokens")), read, created, for_an_hour]


def provider(message: str | None, model: str | None) -> str | None:
    """Who answered, as far as ids and names of models tell."""
    if (message and message.startswith("msg_bdrk_")) or (model and "anthropic." in model):
        return "aws"
    return "anthropic" if model and model.startswith("claude") else None


def text_of(content: Any) -> str:
    """The words of a line, to be looked at and forgotten."""
    if type(content) is str:
        return content
    if type(content) is not list:
        return ""
    texts = (block.get("text") for block in content if type(block) is dict and block.get("type") == "text")
    return next((text for text in texts if type(text) is str), "")


def is_persons(record: Record, text: str) -> bool:
    origin = record.get("origin")
    if type(origin) is dict and origin.get("kind") not in (None, "human"):
        return False
    return record.get("isCompactSummary") is not True and not ECHO.match(text)
