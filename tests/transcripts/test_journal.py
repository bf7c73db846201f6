"""Event journals: what each kind of line tells, in whatever spelling, and what is wrong with it."""

import json
from typing import Any

import pytest

from app.transcripts.formats.journal import Journal
from app.transcripts.formats.ledger import Fact
from app.transcripts.formats.lines import Problem

AT = "2026-05-01T08:00:00.000Z"
IDS = {"thread_id": "t", "turn_id": "u", "at": AT}
CALL = {**IDS, "tool_call_id": "c"}
TURN = {"session_id": "t", "id": "u", "role": "assistant"}
CANARY = "what was said"
NO_NUMBER = "Its usage.input_tokens is no number of tokens."
ZEROS = {"input_tokens": 0, "output_tokens": 0, "cache_read_tokens": 0, "cache_creation_tokens": 0}


def told(*events: dict[str, Any]) -> list[tuple[int, Fact] | Problem]:
    journal = Journal()
    return [*journal.feed(b"".join(json.dumps(event).encode() + b"\n" for event in events)), *journal.end()]


def row(event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    (found,) = told(event)
    assert not isinstance(found, Problem), found
    assert found[0] == 1
    return found[1].kind, found[1].row


def test_a_thread_is_a_session() -> None:
    event = {"type": "thread.created", "thread_id": "t", "at": AT, "provider": "anthropic", "model": "m", "cwd": "/a/b"}
    session = {"id": "t", "created_at": AT, "provider": "anthropic", "model": "m", "workspace": "/a/b"}
    assert row(event) == ("sessions", session)


def test_a_turn_begins_and_ends_as_one_message() -> None:
    begun = {"status": "running", "created_at": AT, "started_at": AT}
    assert row({"type": "turn.started", **IDS}) == ("messages", TURN | begun)
    usage = {"input_tokens": 3, "output_tokens": 4, "cache_read_tokens": 5, "cache_creation_tokens": 6}
    ended = {"status": "completed", "created_at": AT, "completed_at": AT, "model_id": "m", "agent_name": "a", **usage}
    event = {"type": "turn.completed", **IDS, "model": "m", "agent": "a", "usage": usage}
    assert row(event) == ("messages", TURN | ended)


@pytest.mark.parametrize(
    "error", [{"error_kind": "overloaded"}, {"error": {"type": "overloaded"}}, {"error": "overloaded"}]
)
def test_a_failed_turn_says_of_what_kind_and_no_more(error: dict[str, Any]) -> None:
    assert row({"type": "turn.failed", **IDS, **error})[1]["error_kind"] == "overloaded"
    assert "error_kind" not in row({"type": "turn.failed", **IDS, "error": {"message": CANARY}})[1]
    assert "error_kind" not in row({"type": "turn.failed", **IDS, "error": CANARY})[1]


def test_a_tool_call_begins_and_ends() -> None:
    call = {"session_id": "t", "id": "c", "message_id": "u", "name": "search"}
    begun = {"type": "tool_call.started", **CALL, "name": "search"}
    assert row(begun) == ("tool_calls", {**call, "status": "running", "started_at": AT})
    ended = {"type": "tool_call.completed", **CALL, "name": "search", "duration_ms": 12.5}
    assert row(ended) == ("tool_calls", {**call, "status": "success", "completed_at": AT, "duration_ms": 12.5})
    for failed in ({"is_error": True}, {"status": "error"}, {"error": {"message": CANARY}}):
        assert row({**ended, **failed})[1]["status"] == "error"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "turn_completed", "threadId": "t", "turnId": "u", "timestamp": AT},
        {"event": "turnCompleted", "session_id": "t", "message_id": "u", "time": "2026-05-01T10:00:00+02:00"},
        {"type": "TURN.COMPLETED", "conversation_id": "t", "turn_id": "u", "ts": 1777622400},
        {"type": "turn.completed", "thread_id": "t", "turn_id": "u", "ts": 1777622400000},
    ],
)
def test_the_common_spellings_are_one(event: dict[str, Any]) -> None:
    assert row(event) == ("messages", TURN | {"status": "completed", "created_at": AT, "completed_at": AT})


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 3, "completionTokens": 9, "outputTokens": 4}, {"input_tokens": 3, "output_tokens": 4}),
        ({"cache_read_input_tokens": 5}, {"cache_read_tokens": 5}),
        ({"cacheCreationInputTokens": 6}, {"cache_creation_tokens": 6}),
        ({"input_tokens": 10, "cached_input_tokens": 8}, {"input_tokens": 2, "cache_read_tokens": 8}),
    ],
)  # fmt: skip
def test_tokens_are_four_disjoint_classes(usage: dict[str, int], counts: dict[str, int]) -> None:
    found = row({"type": "turn.completed", **IDS, "usage": usage})[1]
    assert {name: found[name] for name in ZEROS} == ZEROS | counts


def test_what_anybody_said_is_passed_over() -> None:
    said = {"text": CANARY, "prompt": CANARY, "output": {"text": CANARY}, "arguments": [CANARY], "error": CANARY}
    kinds = ("thread.created", "turn.started", "turn.completed", "turn.failed", "tool_call.started")
    found = told(*({"type": kind, **CALL, **said} for kind in (*kinds, "tool_call.completed")))
    assert len(found) == 6
    assert CANARY not in str(found)


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        ({"thread_id": "t"}, "It has no type."),
        ({"type": "thread.created", "at": AT}, "It has no thread_id."),
        ({"type": "turn.started", "thread_id": "t", "at": AT}, "It has no turn_id."),
        ({"type": "tool_call.started", **IDS}, "It has no tool_call_id."),
        ({"type": "turn.started", "thread_id": "t", "turn_id": "u"}, "It has no at: when it happened."),
        ({"type": "turn.started", **IDS, "at": "yesterday"}, "Its at is no instant such as 2026-05-01T08:00:00Z."),
        ({"type": "turn.started", **IDS, "at": 1e300}, "Its at is no instant such as 2026-05-01T08:00:00Z."),
        ({"type": "turn.completed", **IDS, "usage": [1]}, "Its usage is no object of token counts."),
        ({"type": "turn.failed", **IDS, "usage": {"input_tokens": -1}}, NO_NUMBER),
        ({"type": "turn.completed", **IDS, "duration_ms": "3"}, "Its duration_ms is no number of milliseconds."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_event_is_said_by_its_line(event: dict[str, Any], detail: str) -> None:
    good = {"type": "turn.started", **IDS}
    first, wrong, last = told(good, event, good)
    assert wrong == Problem(2, "invalid", detail)
    assert (first[0], last[0]) == (1, 3)


def test_other_events_are_counted_and_passed_over() -> None:
    journal = Journal()
    assert [*journal.feed(b'{"type": "item.completed"}\n\r\n\n{"type": "log"}\n'), *journal.end()] == []
    assert (journal.ignored, journal.lines.newlines) == (2, 4)


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"{", "cut"), (b"nonsense", "malformed"), (b"[1]", "not_a_record"), (b"// note", "comment"), (b"\0\0", "nul")],
)
def test_a_line_that_is_no_event_is_reported_and_loses_no_other(line: bytes, code: str) -> None:
    good = json.dumps({"type": "turn.started", **IDS}).encode()
    journal = Journal()
    first, wrong, last = [*journal.feed(b"\xef\xbb\xbf" + good + b"\r\n" + line + b"\n" + good + b"\n")]
    assert (wrong.line, wrong.code) == (2, code)  # type: ignore[union-attr]
    assert (first[0], last[0]) == (1, 3)


def test_a_last_line_waits_until_it_is_whole() -> None:
    good = json.dumps({"type": "turn.started", **IDS}).encode()
    for cut in range(1, len(good)):
        journal = Journal()
        assert len([*journal.feed(good + b"\n" + good[:cut])]) == 1
        assert [*journal.end()] == []
        assert (journal.waits, journal.lines.offset) == (True, len(good) + 1)
    journal = Journal()
    assert len([*journal.feed(good + b"\n" + good), *journal.end()]) == 2
    assert (journal.waits, journal.lines.offset) == (False, 2 * len(good) + 1)
