"""The counting rules of Codex's logs, one by one, on records of the real forms."""

import json
from typing import Any

import pytest

from tests.transcripts.merged import Merged
from tests.transcripts.reading import facts, lines, problems, read, read_growing, validate

FORM = "codex"
PARENT, CHILD = "019e5615-1ef8-7270-b988-4f52f86449a4", "019e5615-9632-7740-b2cf-3061e4ff06e2"
OLD_TURN, NEW_TURN = "019e5615-6261-7712-936a-db8c0fca200d", "019e5615-b2e2-72c1-93cc-b14b70334bc5"
AT_ONCE = {"timestamp": "2026-03-01T10:00:00.000Z"}


def meta(session: str = PARENT, **more: Any) -> dict[str, Any]:
    return {"type": "session_meta", "payload": {"id": session, "model_provider": "openai", "cwd": "/work", **more}}


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "event_msg", "payload": {"type": kind, **more}}


def item(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "response_item", "payload": {"type": kind, **more}}


def turn(model: str, **more: Any) -> dict[str, Any]:
    return {"type": "turn_context", "payload": {"model": model, **more}}


def usage(given: int, made: int = 5, cached: int = 0) -> dict[str, int]:
    return {"input_tokens": given, "cached_input_tokens": cached, "output_tokens": made, "total_tokens": given + made}


def counted(last: dict[str, int], total: dict[str, int]) -> dict[str, Any]:
    return event("token_count", info={"last_token_usage": last, "total_token_usage": total})


def output(said: Any, key: str = "call_0123456789abcdef") -> dict[str, Any]:
    return item("function_call_output", call_id=key, output=said)


CALL = item("function_call", name="shell", call_id="call_0123456789abcdef", arguments="{}")


def merged(*records: dict[str, Any]) -> Merged:
    found = read(FORM, lines(*records))
    validate(found)
    return Merged(found)


def answers(*records: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in merged(*records).messages.values() if row["role"] == "assistant"]


def tokens(*records: dict[str, Any]) -> list[tuple[int, int, int]]:
    return [(r["input_tokens"], r["output_tokens"], r["cache_read_tokens"]) for r in answers(*records)]


def test_a_count_is_a_call_when_its_total_moved() -> None:
    first, second = counted(usage(10), usage(10)), counted(usage(20), usage(30))
    assert tokens(meta(), event("token_count", info=None), first, first, second, second) == [(10, 5, 0), (20, 5, 0)]


def test_input_is_without_what_was_cached() -> None:
    assert tokens(meta(), counted(usage(100, 5, 80), usage(100, 5, 80))) == [(20, 5, 80)]


@pytest.mark.parametrize("said", [10**30, -5, 1e308, True, "10"])
def test_a_number_of_tokens_that_is_none_is_named_and_its_call_counts(said: Any) -> None:
    odd = counted(usage(10) | {"output_tokens": said}, usage(20))
    found = read(FORM, lines(meta(), counted(usage(10), usage(10)), odd, counted(usage(10), usage(30))))
    assert problems(found) == [(3, "odd_count")]
    assert [row["output_tokens"] for row in facts(found, "messages")] == [5, 0, 5]
    alone = counted({"output_tokens": said}, {"output_tokens": said, "total_tokens": 1})
    found = read(FORM, lines(meta(), alone))
    assert problems(found) == [(2, "odd_count")]
    assert [row["output_tokens"] for row in facts(found, "messages")] == [0]


def test_two_calls_of_equal_size_are_two() -> None:
    assert len(tokens(meta(), counted(usage(10), usage(10)), counted(usage(10), usage(20)))) == 2


def test_a_call_is_of_the_model_of_its_turn() -> None:
    records = turn("a"), counted(usage(1), usage(1)), turn("b"), counted(usage(2), usage(3))
    assert [row["model_id"] for row in answers(meta(), *records)] == ["a", "b"]


COPIED = [counted(usage(10), usage(10)), counted(usage(20), usage(30))]
OWN = [counted(usage(20), usage(30)), counted(usage(7), usage(37))]


def test_a_fork_counts_only_its_own_turns() -> None:
    """Started by a program, it goes on at once: only the turn's id tells."""
    head = [meta(CHILD, forked_from_id=PARENT), meta(PARENT), event("task_started", turn_id=OLD_TURN)]
    records = [*head, CALL, output("words"), *COPIED, event("task_started", turn_id=NEW_TURN), *OWN]
    found = merged(*(record | AT_ONCE for record in records))
    assert [row["input_tokens"] for row in found.messages.values()] == [7]
    assert {row["session_id"] for row in found.messages.values()} == {CHILD}
    assert found.tools == {}


def test_a_fork_without_turns_counts_from_its_first_pause() -> None:
    head = [record | AT_ONCE for record in (meta(CHILD, forked_from_id=PARENT), meta(PARENT), *COPIED)]
    assert tokens(*head, *OWN) == [(7, 5, 0)]


def test_a_fork_read_as_it_grows_counts_the_same() -> None:
    head = [meta(CHILD, forked_from_id=PARENT), meta(PARENT), event("task_started", turn_id=OLD_TURN), *COPIED]
    file = lines(*(record | AT_ONCE for record in (*head, event("task_started", turn_id=NEW_TURN), *OWN)))
    assert Merged(read_growing(FORM, file.splitlines(keepends=True))) == Merged(read(FORM, file))


OUTPUTS = [
    (json.dumps({"output": "words", "metadata": {"exit_code": 1}}), True),
    (json.dumps({"output": "words", "metadata": {"exit_code": 0}}), False),
    ("Exit code: 1\nWall time: 0 seconds\nOutput:\nwords", True),
    ("Exit code: 0\nWall time: 0 seconds\nOutput:\nExit code: 1", False),
    ("Chunk ID: 1\nWall time: 0 seconds\nProcess exited with code 127\nOutput:\nwords", True),
    ("Command: x\nChunk ID: 1\nWall time: 0 seconds\nProcess exited with code 0\nOutput:\n", False),
    ("Chunk ID: 1\nProcess running with session ID 5\nOutput:\nProcess exited with code 1", False),
    ([{"type": "input_text", "text": "Script failed\nWall time 0.2 seconds\nOutput:\n"}, {}], True),
    ([{"type": "input_text", "text": "Script completed\nOutput:\n"}], False),
    ({"type": "input_text", "text": "words"}, False),
    ({"content": "words", "success": False}, True),
    ('{"output": "cut', False),
    ("words", False),
    (None, False),
]


@pytest.mark.parametrize(("said", "failed"), OUTPUTS)
def test_every_form_of_an_exit_status(said: Any, failed: bool) -> None:  # noqa: FBT001 - a table of cases
    (row,) = merged(meta(), CALL, output(said)).tools.values()
    assert (row["status"], row.get("is_error", False)) == ("error" if failed else "success", failed)


ENDS = [
    (event("exec_command_end", exit_code=1), "shell", True),
    (event("exec_command_end", exit_code=0, status="completed"), "shell", False),
    (event("patch_apply_end", success=False), "shell", True),
    (event("mcp_tool_call_end", result={"Err": "words"}), "shell", True),
    (event("mcp_tool_call_end", result={"Ok": {"isError": True}}), "shell", True),
    (event("mcp_tool_call_end", result={"Ok": {"isError": False}}), "shell", False),
    (event("dynamic_tool_call_response", success=False), "shell", True),
]


@pytest.mark.parametrize(("end", "tool", "failed"), ENDS)
def test_an_event_that_ends_a_call_says_how(end: dict[str, Any], tool: str, failed: bool) -> None:  # noqa: FBT001
    end = event(**(end["payload"] | {"kind": end["payload"]["type"], "call_id": "call_0123456789abcdef"}))
    (row,) = merged(meta(), CALL, end, output("words")).tools.values()
    assert (row["name"], row["status"]) == (tool, "error" if failed else "success")


def test_a_call_that_only_its_end_tells_of_is_named_by_it() -> None:
    invocation = {"server": "github", "tool": "search", "arguments": {}}
    end = event("mcp_tool_call_end", call_id="call-5", invocation=invocation, duration={"secs": 1, "nanos": 5_000_000})
    (row,) = merged(meta(), end).tools.values()
    assert (row["name"], row["duration_ms"]) == ("mcp__github__search", 1005)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (item("function_call", name="search", namespace="mcp__github__", call_id="c"), "mcp__github__search"),
        (item("custom_tool_call", name="apply_patch", call_id="c", status="completed"), "apply_patch"),
        (item("local_shell_call", call_id="c"), "local_shell"),
        (item("tool_search_call", call_id="c"), "tool_search"),
        (item("web_search_call", status="completed"), "web_search"),
    ],
)
def test_every_kind_of_call_has_a_name(call: dict[str, Any], named: str) -> None:
    (row,) = merged(meta(), call).tools.values()
    assert row["name"] == named
    assert row["status"] == ("success" if named == "web_search" else "running")


def test_the_old_format_without_envelopes_counts_what_it_tells() -> None:
    old = [
        {"id": PARENT, "timestamp": "2026-03-01T10:00:00.000Z", "instructions": None},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>x"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "words"}]},
        {"type": "function_call", "name": "shell", "call_id": "call_0123456789abcdef"},
        {"type": "function_call_output", "call_id": "call_0123456789abcdef", "output": "words"},
    ]
    found = Merged(read(FORM, b"".join(json.dumps(record).encode() + b"\n" for record in old)))
    assert [row["role"] for row in found.messages.values()] == ["user"]
    assert [(row["name"], row["status"]) for row in found.tools.values()] == [("shell", "success")]
    assert {row["created_at"] for row in found.sessions.values()} == {"2026-03-01T10:00:00.000Z"}


def test_a_prompt_told_twice_is_one() -> None:
    twice = event("user_message", message="words"), event("item_completed", item={"type": "UserMessage"})
    assert len(merged(meta(), *twice).messages) == 1
    assert len(merged(meta(), twice[1]).messages) == 1


def test_a_sub_agents_log_is_marked_and_has_no_person() -> None:
    source = {"subagent": {"thread_spawn": {"parent_thread_id": PARENT}}}
    records = meta(CHILD, source=source), event("user_message", message="words"), counted(usage(1), usage(1))
    (row,) = merged(*records).messages.values()
    assert (row["role"], row["agent_name"]) == ("assistant", "codex sub-agent")


def test_an_answer_lasts_from_what_it_answers_to_its_last_record() -> None:
    asked = event("user_message", message="words")
    (row,) = answers(meta(), asked, item("reasoning"), item("message", role="assistant"), counted(usage(1), usage(1)))
    assert (row["started_at"][17:19], row["completed_at"][17:19]) == ("01", "03")


def test_signals_of_the_real_forms() -> None:
    records = (
        meta(),
        event("turn_aborted", reason="interrupted"),
        event("context_compacted"),
        event("error", message="x"),
    )
    found = [(row["kind"], row["name"]) for row in facts(read(FORM, lines(*records)), "signals")]
    assert found == [("interruption", "interrupted"), ("compaction", None), ("api_error", None)]
