"""The counting rules of Claude Code's logs, one by one, on lines of the real forms."""

from itertools import permutations
from typing import Any

import pytest

from tests.transcripts.merged import Merged
from tests.transcripts.reading import facts, lines, read, validate

FORM = "claude_code"
PARENT, COPY = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000000"


def line(kind: str, message: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "sessionId": PARENT, "isSidechain": False, "message": message} | more


def call(output: int = 1, request: str | None = "req_1", **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 3, "output_tokens": output, "cache_read_input_tokens": 50}
    message = {"id": "msg_1", "model": "claude-opus-4-5", "usage": usage, "content": more.pop("content", [])}
    return line("assistant", message, uuid=f"uuid-{output}", **({"requestId": request} if request else {}), **more)


def use(tool: str, key: str = "toolu_0123456789abcdef", **given: Any) -> list[dict[str, Any]]:
    return [{"type": "tool_use", "id": key, "name": tool, "input": given}]


def result(key: str = "toolu_0123456789abcdef", **more: Any) -> dict[str, Any]:
    return line("user", {"content": [{"type": "tool_result", "tool_use_id": key, "content": "words", **more}]})


def progress(of: dict[str, Any]) -> dict[str, Any]:
    inner = {"type": of["type"], "message": of["message"], "requestId": of.get("requestId")}
    return {
        "type": "progress",
        "sessionId": PARENT,
        "data": {"type": "agent_progress", "agentId": "a1", "message": inner},
    }


def said(text: Any, **more: Any) -> dict[str, Any]:
    return line("user", {"role": "user", "content": text}, uuid="uuid-said", **more)


def merged(*files: list[dict[str, Any]]) -> Merged:
    found = [item for file in files for item in read(FORM, lines(*file))]
    validate(found)
    return Merged(found)


def only(*records: dict[str, Any]) -> dict[str, Any]:
    (row,) = merged(list(records)).messages.values()
    return row


def test_of_a_call_over_many_lines_the_richest_counts_once() -> None:
    row = only(call(1), call(700), call(20))
    assert (row["input_tokens"], row["output_tokens"], row["cache_read_tokens"]) == (3, 700, 50)


def test_a_richer_line_counts_whole_not_the_best_of_each_class() -> None:
    small, rich = call(1), call(700)
    small["message"]["usage"]["input_tokens"] = 9
    assert only(small, rich)["input_tokens"] == 3


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_own_line_beats_a_copy_and_the_conversation_a_sidechain(order: tuple[int, ...]) -> None:
    three = [progress(call(9000)), call(500, isSidechain=True, agentId="a1"), call(70)]
    row = only(*(three[n] for n in order))
    assert (row["output_tokens"], row["agent_name"]) == (70, "claude-code")
    row = only(*(three[n] for n in order if n < 2))
    assert (row["output_tokens"], row["agent_name"]) == (500, "claude sub-agent")


def test_a_copy_counts_where_nothing_else_records_the_call() -> None:
    row = only(progress(call(9)))
    assert (row["output_tokens"], row["session_id"], row["agent_name"]) == (9, PARENT, "claude sub-agent")


def test_identity_is_the_request_else_the_message_else_the_line() -> None:
    nameless = call(4, None)
    del nameless["message"]["id"]
    found = merged([call(1), call(2, "req_2"), call(3, None), call(3, None), nameless])
    assert set(found.messages) == {"req_1", "req_2", "msg_1", "uuid-4"}


def test_a_resumed_copy_counts_once_for_the_smaller_session_in_any_order() -> None:
    original = [said("words"), call(content=use("Read")), result()]
    copied = [record | {"sessionId": COPY} for record in original]
    for files in ([original, copied], [copied, original], [original + copied], [copied + original]):
        found = merged(*files)
        assert {row["session_id"] for row in [*found.messages.values(), *found.tools.values()]} == {PARENT}
        assert (len(found.messages), len(found.tools), set(found.sessions)) == (2, 1, {PARENT, COPY})


def test_both_lives_of_the_cache_count_and_beat_the_flat_field() -> None:
    record = call()
    lives = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 5}
    record["message"]["usage"] |= {"cache_creation_input_tokens": 99, "cache_creation": lives}
    assert (only(record)["cache_creation_tokens"], only(record)["cache_creation_1h_tokens"]) == (15, 5)
    record["message"]["usage"]["cache_creation"] = None
    assert only(record)["cache_creation_tokens"] == 99


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_failed_try_stays_and_keeps_no_tokens_of_another_line_out(order: tuple[int, ...]) -> None:
    three = [call(isApiErrorMessage=True, error="overloaded"), call(70), progress(call(9000))]
    row = only(*(three[n] for n in order))
    assert (row["output_tokens"], row["is_error"], row["error_kind"]) == (70, True, "overloaded")


def test_an_advisor_is_added_and_no_other_iteration_is() -> None:
    record = call(10)
    more = {"input_tokens": 5, "output_tokens": 7}
    record["message"]["usage"]["iterations"] = [
        {"type": "message", "output_tokens": 99},
        {"type": "advisor_message", **more},
    ]
    row = only(record)
    assert (row["input_tokens"], row["output_tokens"]) == (8, 17)


def test_what_the_program_made_up_is_no_call_of_a_model() -> None:
    record = call()
    record["message"] |= {"model": "<synthetic>"}
    row = only(record)
    assert (row.get("model_id"), row.get("input_tokens", 0), row.get("is_error", False)) == (None, 0, False)


def test_an_api_error_is_an_error_without_a_model() -> None:
    row = only(call(isApiErrorMessage=True, error="rate_limit"))
    assert (row.get("model_id"), row["status"], row["is_error"], row["error_kind"]) == (
        None,
        "failed",
        True,
        "rate_limit",
    )
    assert only(call(isApiErrorMessage=True, error="We are sorry: it failed"))["error_kind"] == "api_error"


def test_tools_are_collected_from_every_line_of_a_call() -> None:
    keys = ["toolu_000000000000001", "toolu_000000000000002"]
    found = merged([call(content=use("Read", key)) for key in keys])
    assert (set(found.tools), len(found.messages)) == (set(keys), 1)
    assert {row["message_id"] for row in found.tools.values()} == {"req_1"}


def test_a_tool_error_reaches_its_call_from_any_file_in_any_order() -> None:
    asked, answered = [call(content=use("Bash"))], [result(is_error=True), result()]
    for files in permutations([asked, answered]):
        (row,) = merged(*files).tools.values()
        assert (row["name"], row["status"], row["is_error"]) == ("Bash", "error", True)


def test_a_tool_nobody_answered_is_still_running() -> None:
    (row,) = merged([call(content=use("Bash"))]).tools.values()
    assert (row["status"], row.get("completed_at")) == ("running", None)


def test_a_tool_lasts_from_its_call_to_its_result() -> None:
    (row,) = merged([call(content=use("mcp__github__search")), result()]).tools.values()
    assert (row["name"], row["started_at"][17:19], row["completed_at"][17:19]) == ("mcp__github__search", "00", "01")


def test_an_answer_lasts_from_what_it_answers_to_its_last_line() -> None:
    row = next(r for r in merged([said("words"), call(1), call(2)]).messages.values() if r["role"] == "assistant")
    assert [row[name][17:19] for name in ("started_at", "created_at", "completed_at")] == ["00", "01", "02"]


def test_short_ids_of_tools_are_told_apart_by_session() -> None:
    files = [[call(n, f"req_{n}", sessionId=f"s{n}", content=use("Read", "call_1"))] for n in (1, 2)]
    assert len(merged(*files).tools) == 2


PROMPTS = ["words", [{"type": "text", "text": "words"}, {"type": "image", "source": {}}]]
NO_PROMPTS = [
    said("words", isMeta=True),
    said("words", isCompactSummary=True),
    said("words", isSidechain=True),
    said("words", origin={"kind": "task-notification"}),
    said("<command-name>/clear</command-name><command-args></command-args>"),
    said("<command-message>x is running</command-message>\n<command-name>/x</command-name>"),
    said("<local-command-stdout>words</local-command-stdout>"),
    said("<bash-input>ls</bash-input>"),
    said("<bash-stdout>words</bash-stdout><bash-stderr></bash-stderr>"),
    said([{"type": "text", "text": "[Request interrupted by user for tool use]"}]),
    result(),
]


@pytest.mark.parametrize("content", PROMPTS)
def test_a_persons_words_are_a_prompt(content: Any) -> None:
    row = only(said(content))
    assert (row["role"], row["global_id"]) == ("user", "uuid-said")


@pytest.mark.parametrize("record", NO_PROMPTS)
def test_what_no_person_wrote_is_no_prompt(record: dict[str, Any]) -> None:
    assert merged([record]).messages == {}


def signals(*records: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(row["kind"], row["name"]) for row in facts(read(FORM, lines(*records)), "signals")]


@pytest.mark.parametrize(
    ("record", "signal"),
    [
        (said("<command-message>x</command-message><command-name>/publish</command-name>"), ("command", "/publish")),
        (said("<command-name>/publish all of it</command-name>"), ("command", "/publish")),
        (call(content=use("SlashCommand", command="/publish all of it")), ("command", "/publish")),
        (call(content=use("Skill", skill="pdf")), ("skill", "pdf")),
        (call(content=use("Skill", command="pdf")), ("skill", "pdf")),
        (call(content=use("Task", subagent_type="Explore")), ("sub_agent", "Explore")),
        (call(content=use("Agent", subagent_type="Explore")), ("sub_agent", "Explore")),
        (said("[Request interrupted by user]"), ("interruption", None)),
        (
            result(is_error=True, content="The user doesn't want to proceed with this tool use."),
            ("rejected_tool", None),
        ),
        (call(isApiErrorMessage=True, error="rate_limit"), ("api_error", "rate_limit")),
        (line("system", None, subtype="api_error", error={"status": 529}), ("retry", "529")),
        (line("system", None, subtype="compact_boundary"), ("compaction", None)),
    ],
)
def test_signals_of_the_real_forms(record: dict[str, Any], signal: tuple[str, str | None]) -> None:
    assert signals(record) == [signal]


def test_a_log_longer_than_what_is_remembered_counts_alike() -> None:
    """More calls than are kept in mind, their lines far apart."""
    records = [call(n, f"req_{n % 3000}", content=use("Read", f"toolu_{n % 3000:020}")) for n in range(1, 6001)]
    found = merged(records)
    assert (len(found.messages), len(found.tools)) == (3000, 3000)
    assert sum(row["output_tokens"] for row in found.messages.values()) == sum(range(3001, 6001))
