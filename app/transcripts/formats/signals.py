"""What a parser's signals are called as counts of a session, how they are told apart, and which say something new."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

COLUMNS: Mapping[str, str] = {
    "interruption": "interruptions",
    "rejected_tool": "rejected_tools",
    "api_error": "api_errors",
    "retry": "retries",
    "compaction": "compactions",
    "command": "commands",
    "skill": "skills",
    "sub_agent": "sub_agents",
}
# Lines about one thing repeat it close by: a call's, for every block of its answer.
REMEMBERED = 256


def mark(signal: Mapping[str, Any]) -> str:
    """Tells a signal from all others of a member, in whatever log it stands; short, as many are sent and kept."""
    return sha256(f"{signal['kind']} {signal['id']}".encode()).hexdigest()[:16]


class Repeats:
    """Tells a signal from its repetition. Iterated, it is what to carry over."""

    def __init__(self, carried: Iterable[str] = ()) -> None:
        self._seen: dict[str, None] = dict.fromkeys(carried)

    def __iter__(self) -> Any:
        return iter(self._seen)

    def is_new(self, signal: Mapping[str, Any]) -> bool:
        key = f"{signal['kind']} {signal['id']}"
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True
