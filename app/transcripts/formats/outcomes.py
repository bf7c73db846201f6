"""Whether a tool of Codex failed. Its logs say so in five ways, most of them in words; output is not looked into."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

HEAD = 2_000
EXIT = re.compile(r"^(?:Exit code:|Process exited with code) (-?\d+)", re.MULTILINE)
SCRIPT_FAILED = "Script failed"


def failed(output: Any) -> bool:
    """Of what a call's output record holds: a text with a head, JSON in a text, or blocks of text."""
    if type(output) is str:
        return failed_json(output) if output.startswith('{"') else failed_text(output)
    if type(output) is dict:
        return output.get("success") is False or failed(output.get("content"))
    if type(output) is list and output and type(output[0]) is dict:
        return failed(output[0].get("text"))
    return False


def failed_json(output: str) -> bool:
    if '"exit_code"' not in output:
        return False
    try:
        metadata = orjson.loads(output).get("metadata")
    except orjson.JSONDecodeError:
        return False
    return type(metadata) is dict and metadata.get("exit_code", 0) != 0


def failed_text(output: str) -> bool:
    """Only the head is the program's: what follows 'Output:' is the command's own."""
    head = output[:HEAD].partition("\nOutput:")[0]
    if head.startswith(SCRIPT_FAILED):
        return True
    found = EXIT.search(head)
    return found is not None and int(found[1]) != 0


def failed_event(event: Mapping[str, Any]) -> bool:
    """Of an event that ends a call."""
    if event.get("success") is False or event.get("exit_code", 0) not in (0, None):
        return True
    if event.get("status") in ("failed", "declined"):
        return True
    result = event.get("result")
    if type(result) is not dict:
        return False
    fine = result.get("Ok")
    return "Err" in result or (type(fine) is dict and (fine.get("isError") is True or fine.get("is_error") is True))
