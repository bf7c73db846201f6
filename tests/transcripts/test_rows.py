"""Rows are rows the server takes, and hold nothing anybody said."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.transcripts.formats.ledger import Fact
from app.transcripts.formats.log import Log
from tests.transcripts.corpus import Tree, each_tree
from tests.transcripts.reading import SOURCE, facts, lines, read, validate

# Fields of logs that hold names and numbers on purpose; a string anywhere else is content.
NAMES = {
    *("type", "id", "uuid", "parentUuid", "leafUuid", "logicalParentUuid", "sourceToolAssistantUUID", "messageId"),
    *("sessionId", "session_id", "requestId", "requestID", "agentId", "timestamp", "promptId", "parentToolUseID"),
    *("model", "name", "role", "tool_use_id", "toolUseID", "subagent_type", "subtype", "error", "call_id", "cwd"),
    *("model_provider", "turn_id", "window_id", "reason", "forked_from_id", "thread_id", "skill", "command"),
    *("agentType", "namespace", "server", "tool", "version", "messageUuid", "retrieval_status", "task_id", "taskId"),
}
# A sentence, and a word that could pass for a name.
CANARIES = ["a canary sat", "canary7"]
each_canary = pytest.mark.parametrize("canary", CANARIES)


@each_tree
def test_every_row_is_one_the_server_takes(tree: Tree) -> None:
    for file in tree.files:
        found = read(tree.form(file), file.read_bytes())
        validate(found)
        values = [value for item in found if isinstance(item, Fact) for value in item.row.values()]
        assert max((len(value) for value in values if isinstance(value, str)), default=0) <= 200


def planted(value: Any, canary: str, within: str = "") -> Any:
    """The same record, with the canary in every text that is no name."""
    if isinstance(value, dict):
        return {name: planted(inner, canary, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [planted(inner, canary, within) for inner in value]
    return value[:60] + canary if isinstance(value, str) and within not in NAMES else value


def with_canaries(file: Path, canary: str) -> bytes:
    made = []
    for line in file.read_bytes().splitlines():
        try:
            made.append(json.dumps(planted(json.loads(line), canary)).encode())
        except ValueError:
            made.append(line + canary.encode())
    return b"\n".join(made)


@each_tree
@each_canary
def test_a_canary_in_every_text_of_every_line_never_comes_out(tree: Tree, canary: str) -> None:
    for file in tree.files:
        log = Log.start(tree.form(file), SOURCE)
        found = [*log.feed(with_canaries(file, canary)), *log.end()]
        assert canary not in json.dumps(found), file
        kept = json.dumps(log.carry())
        assert canary not in kept
        assert len(kept) < 16_000


@pytest.mark.parametrize("said", ["x" * 201, "two\nlines", "nul\0", "\ud800"])
def test_ids_that_cannot_be_stored_are_told_apart_all_the_same(said: str) -> None:
    records = [
        {"type": "assistant", "sessionId": "s", "requestId": said + end, "message": {"usage": {"input_tokens": 1}}}
        for end in ("a", "b")
    ]
    found = read("claude_code", lines(*records))
    assert len({row["id"] for row in facts(found, "messages")}) == 2
    validate(found)
