"""Hostile lines: each is named by number and code, what it holds is recovered, and nothing else is lost."""

import json
import time
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.transcripts.formats.lines import LONGEST, MOST_BLANK
from app.transcripts.formats.log import MOST_BYTES, MOST_LINES, Recogniser
from tests.transcripts.corpus import Tree, each_tree
from tests.transcripts.merged import Merged
from tests.transcripts.reading import facts, lines, problems, read, read_growing, validate

FORM = "claude_code"
SESSION = "11111111-1111-4111-8111-111111111111"


def call(number: int, **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": number, "output_tokens": 1}
    message = {"id": f"msg_{number}", "model": "claude-sonnet-4-5", "usage": usage}
    return {"type": "assistant", "sessionId": SESSION, "requestId": f"req_{number}", "message": message} | more


def whole(number: int, **more: Any) -> bytes:
    return lines(call(number, **more)).rstrip(b"\n")


def spoilt(line: bytes) -> bytes:
    """The line between two good ones."""
    return whole(1) + b"\n" + line + b"\n" + whole(3) + b"\n"


CASES = [
    ("blank", b"", []),
    ("blank", b"   \t ", []),
    ("comment", b"// not JSON at all", []),
    ("malformed", b"{not json}", []),
    ("malformed", b"not json", []),
    ("malformed", whole(2) + b" and more", [2]),
    ("cut", whole(2)[:-1], []),
    ("cut", whole(2)[:90], []),
    ("cut", whole(2)[:90] + whole(4), [4]),
    ("joined", whole(2) + whole(4), [2, 4]),
    ("joined", whole(2) + b" " + whole(4) + b"\0\0" + whole(5), [2, 4, 5]),
    ("nul", b"\0" * 100, []),
    ("nul", b"\0" * 100 + whole(2), [2]),
    ("nul", whole(2, note="a\x07b").replace(b"\\u0007", b"\0"), [2]),
    ("bom", b"\xef\xbb\xbf" + whole(2), [2]),
    ("bad_utf8", whole(2, note="canary").replace(b"canary", b"\xff\xfe"), [2]),
    ("not_strict", whole(2, note="canary").replace(b"canary", b"\\ud800"), [2]),
    ("not_a_record", b"[1, 2]", []),
    ("not_a_record", b"null", []),
    ("too_deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, []),
    ("too_deep", b"[" * 100_000, []),
    ("malformed", b'{"a": ' + b"9" * 5_000 + b"}", []),
]


@pytest.mark.parametrize(("code", "line", "held"), CASES)
def test_a_hostile_line_is_named_and_loses_nothing_else(code: str, line: bytes, held: list[int]) -> None:
    found = read(FORM, spoilt(line))
    assert problems(found) == [(2, code)]
    assert sorted(row["id"] for row in facts(found, "messages")) == sorted(f"req_{n}" for n in [1, 3, *held])


ODD = ["99999999999999999999999999", "-5", "1e308", "true", '"10"', "{}", "1.5"]


@pytest.mark.parametrize("said", ODD)
def test_a_number_of_tokens_that_is_none_is_named_and_its_call_counts(said: str) -> None:
    odd = whole(2).replace(b'"output_tokens": 1', b'"output_tokens": ' + said.encode())
    for place in (spoilt(odd), spoilt(odd).removesuffix(b"\n")):
        found = read(FORM, place)
        assert problems(found) == [(2, "odd_count")]
        assert [(row["id"], row["input_tokens"], row["output_tokens"]) for row in facts(found, "messages")] == [
            ("req_1", 1, 1), ("req_2", 2, 0), ("req_3", 3, 1),
        ]  # fmt: skip
    last = read(FORM, whole(1) + b"\n" + odd)
    assert problems(last) == [(2, "odd_count")]
    assert problems(read(FORM, spoilt(odd + whole(4)))) == [(2, "odd_count"), (2, "joined")]


def test_a_life_of_the_cache_that_is_no_number_is_named_and_none_at_all_is_not() -> None:
    usage: dict[str, Any] = {
        "input_tokens": 1,
        "output_tokens": None,
        "cache_creation": {"ephemeral_1h_input_tokens": -1},
    }
    odd = call(2) | {"message": {"id": "msg_2", "model": "claude-sonnet-4-5", "usage": usage}}
    assert problems(read(FORM, lines(call(1), odd, call(3)))) == [(2, "odd_count")]
    usage["cache_creation"] = {"ephemeral_1h_input_tokens": None}
    assert not problems(read(FORM, lines(call(1), odd, call(3))))


def test_carriage_returns_are_white_space() -> None:
    found = read(FORM, lines(call(1), call(2)).replace(b"\n", b"\r\n"))
    assert (len(facts(found, "messages")), problems(found)) == (2, [])


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \t\n"])
@pytest.mark.parametrize("size", [65_536, 2**20 + 1])
def test_millions_of_empty_lines_cost_little_and_shift_no_number(blank: bytes, size: int) -> None:
    number = 3 * 2**20 // len(blank)
    log = whole(1) + b"\n" + blank * number + b"{broken}\n" + whole(2) + b"\n"
    before = time.thread_time()
    found = read(FORM, *(log[start : start + size] for start in range(0, len(log), size)))
    assert time.thread_time() - before < 1.5
    assert sorted(row["id"] for row in facts(found, "messages")) == ["req_1", "req_2"]
    assert problems(found) == [(line + 2, "blank") for line in range(MOST_BLANK)] + [(number + 2, "malformed")]


def test_ten_megabytes_in_a_line_are_read() -> None:
    found = read(FORM, spoilt(whole(2, note="x" * 10 * 2**20)))
    assert (len(facts(found, "messages")), problems(found)) == (3, [])


def test_a_line_too_long_is_dropped_as_it_comes_and_nothing_else_is() -> None:
    chunk = b"x" * 2**20
    found = read(FORM, whole(1) + b'\n{"', *[chunk] * (LONGEST // len(chunk) + 2), b'"}\n' + whole(3) + b"\n")
    assert [row["id"] for row in facts(found, "messages")] == ["req_1", "req_3"]
    assert problems(found) == [(2, "too_long")]


def test_a_last_line_waits_until_it_is_whole_and_counts_once() -> None:
    file = lines(call(1), call(2))
    for cut in range(1, len(file)):
        found = read_growing(FORM, [file[:cut], file[cut:]])
        assert Merged(found) == Merged(read(FORM, file)), cut
        assert {code for _, code in problems(found)} <= {"unfinished"}


def test_a_last_line_without_its_newline_counts() -> None:
    found = read(FORM, lines(call(1), call(2)).rstrip(b"\n"))
    assert (len(facts(found, "messages")), problems(found)) == (2, [])


def test_lines_keep_their_numbers_when_the_newline_comes_later() -> None:
    pieces = [whole(1), b"\n" + whole(2), b"\n{broken}\n"]
    assert problems(read_growing(FORM, pieces)) == [(3, "malformed")]


def test_a_line_without_an_instant_takes_its_neighbours() -> None:
    records = [call(1, timestamp=None), call(2, timestamp="never"), call(3), call(4, timestamp=None)]
    found = facts(read(FORM, lines(*records)), "messages")
    assert [row["created_at"] for row in found] == ["2026-03-01T10:00:02.000Z"] * 4


def test_a_line_without_an_instant_takes_that_of_the_line_before_a_pause() -> None:
    found = read_growing(FORM, [lines(call(1)), lines(call(2, timestamp=None))])
    assert [row["created_at"] for row in facts(found, "messages")] == ["2026-03-01T10:00:00.000Z"] * 2


def test_a_log_without_any_instant_counts_nothing_until_there_is_one() -> None:
    undated = lines(call(1, timestamp=None), call(2, timestamp=None))
    found = read(FORM, undated)
    assert (facts(found, "messages"), problems(found)) == ([], [(2, "undated")])
    grown = read_growing(FORM, [undated, lines(call(3))])
    assert Merged(grown) == Merged(read(FORM, undated + lines(call(3))))
    assert len(facts(grown, "messages")) == 3


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-03-01T12:00:00.000+02:00", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00.123456Z", "2026-03-01T10:00:00.123Z"),
    ],
)
def test_instants_are_utc_whatever_their_form(said: str, meant: str) -> None:
    (row,) = facts(read(FORM, lines(call(1, timestamp=said))), "messages")
    assert row["created_at"] == meant


@pytest.mark.parametrize(
    "said", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00.000Z", 7]
)
def test_impossible_instants_are_none(said: Any) -> None:
    found = facts(read(FORM, lines(call(1), call(2, timestamp=said))), "messages")
    assert [row["created_at"] for row in found] == ["2026-03-01T10:00:00.000Z"] * 2


def test_wrong_types_anywhere_lose_only_themselves() -> None:
    """Every value of a good line in turn replaced by what does not belong there."""
    good = call(2)
    misfits: list[Any] = [None, 7, -1, 1.5, "x", [], {}, [None], True, 2**70, "x" * 300]
    for wrong in misfits:
        for path in paths(good):
            found = read(FORM, lines(call(1), replaced(good, path, wrong), call(3)))
            ids = [row["id"] for row in facts(found, "messages")]
            assert (ids[0], ids[-1]) == ("req_1", "req_3")
            validate(found)


def paths(value: Any) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [()]
    return [(name, *rest) for name, inner in value.items() for rest in [(), *paths(inner)]]


def replaced(value: Any, path: tuple[str, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    made = json.loads(json.dumps(value))
    made[path[0]] = replaced(made[path[0]], path[1:], wrong)
    return made


@pytest.mark.parametrize("form", ["claude_code", "codex"])
@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_bytes_whatever_stop_the_reading(form: str, data: st.DataObject) -> None:
    """Good lines with anything done to them: cut out, doubled, overwritten."""
    file = bytearray(b"".join(whole(n, payload={"type": "x"}) + b"\n" for n in range(1, 4)))
    for _ in range(data.draw(st.integers(0, 4))):
        start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(file))] * 2)))
        file[start:end] = data.draw(st.binary(max_size=8)) * data.draw(st.integers(0, 3))
    validate(read(form, bytes(file)))


@pytest.mark.parametrize("form", ["claude_code", "codex"])
@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_record_whatever_stops_the_reading(form: str, data: st.DataObject) -> None:
    """Any JSON under the names that the parsers look at."""
    names = st.sampled_from(LOOKED_AT)
    values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(KINDS) | st.text()
    made = st.recursive(
        values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6), max_leaves=30
    )
    records = data.draw(st.lists(st.dictionaries(names, made, min_size=2, max_size=8), max_size=5))
    validate(read(form, b"".join(as_line(record) for record in [call(1), *records])))


LOOKED_AT = [
    *("type", "payload", "message", "content", "usage", "id", "requestId", "uuid", "sessionId", "timestamp", "name"),
    *("isSidechain", "data", "tool_use_id", "input", "iterations", "cache_creation", "input_tokens", "toolUseResult"),
    *(
        "info",
        "total_token_usage",
        "last_token_usage",
        "call_id",
        "output",
        "role",
        "turn_id",
        "forked_from_id",
        "item",
    ),
    *("subtype", "error", "origin", "is_error", "durationMs", "duration", "secs", "nanos", "result", "source", "cwd"),
]
KINDS = [
    *("assistant", "user", "progress", "system", "tool_use", "tool_result", "text", "api_error", "advisor_message"),
    *("session_meta", "event_msg", "response_item", "turn_context", "token_count", "function_call", "reasoning"),
    *(
        "function_call_output",
        "exec_command_end",
        "mcp_tool_call_end",
        "user_message",
        "item_completed",
        "task_started",
    ),
    *("Task", "Skill", "2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00", "0001-01-01T00:00:00+01:00"),
]


def as_line(record: Any) -> bytes:
    return json.dumps(record).encode() + b"\n"


def recognised(chunks: Iterable[bytes]) -> str | None:
    recogniser = Recogniser()
    for chunk in chunks:
        recogniser.feed(chunk)
    return recogniser.end()


@each_tree
def test_a_log_is_recognised_by_its_first_lines(tree: Tree) -> None:
    for file in tree.files:
        head = file.read_bytes()[:20_000]
        assert recognised([head]) == (tree.form(file) if head else None), file


@pytest.mark.parametrize(
    "before", [b"x\n" * 500, b'{"type": "summary"}\n' * 500, b'{"foreign": "' + b"x" * 3_000_000 + b'"}\n']
)
@pytest.mark.parametrize("size", [7, 65_536, 2**20])
def test_a_log_is_recognised_whatever_comes_first_and_however_long_its_lines_are(before: bytes, size: int) -> None:
    line = as_line({"sessionId": "s", "type": "user", "message": {"content": "x" * 2_000_000}})
    size = max(size, len(before) // 1_000)
    log = before + line
    assert recognised(log[start : start + size] for start in range(0, len(log), size)) == "claude_code"


@pytest.mark.parametrize("head", [b"", b"hello", b"{}", b'{"a": 1}\n{"b": 2}\n', b"\0\0", b"[]"])
def test_what_is_no_log_is_not_taken_for_one(head: bytes) -> None:
    assert recognised([head]) is None


FOREIGN = {
    "empty lines": b"\n",
    "of Windows": b"\r\n",
    "words": b"x\n",
    "records of another": b'{"a": 1}\n',
    "a broken record": b'{"a": {"b": 1}, ]\n',
}


@pytest.mark.parametrize("line", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_log_is_soon_given_up(line: bytes) -> None:
    chunk, recogniser, before = line * (65_536 // len(line)), Recogniser(), time.thread_time()
    for _ in range(50 * 2**20 // len(chunk)):
        recogniser.feed(chunk)
    assert time.thread_time() - before < 0.5
    assert (recogniser.is_done, recogniser.end()) == (True, None)


def test_a_log_may_begin_thousands_of_lines_and_megabytes_down_but_not_for_ever() -> None:
    told = as_line({"sessionId": "s"})
    for before, form in ((b"\n" * (MOST_LINES - 1), "claude_code"), (b"\n" * MOST_LINES, None)):
        assert recognised([before + told]) == recognised([before, told]) == form
    long = b'"' + b"x" * 2**20 + b'"\n'
    for times, form in ((MOST_BYTES // len(long), "claude_code"), (MOST_BYTES // len(long) + 1, None)):
        assert recognised([*[long] * times, told]) == form
