"""A member's machine: logs, a key, a terminal; and what the server has of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.db.engine import Database
from app.transcripts.friction import NAMES
from tests.cli.terminal import Ended, Running, Terminal
from tests.people import Company, Person
from tests.transcripts.corpus import Tree
from tests.transcripts.library import BY_LOG
from tests.transcripts.test_through_ingest import TOTALS

FACTS = ("calls", "input", "output", "cache_read", "cache_creation", "tool_calls", "tool_errors")
# How sessions that are made here are called.
OWN = "00000000-0000-4000-8000-"
FRICTION = f"""
    SELECT s.external_id, f.* FROM ({BY_LOG}) AS f JOIN ai_sessions AS s ON s.account_id = $1 AND s.id = f.session_id
    ORDER BY 1, f.name
"""
FILES = "SELECT name, sha256, size, source, form FROM transcripts WHERE account_id = $1 ORDER BY name"


@dataclass(frozen=True)
class Machine:
    terminal: Terminal
    database: Database
    company: Company
    person: Person
    home: Path

    def with_(self, **environment: str) -> "Machine":
        terminal = self.terminal.with_(**environment)
        return Machine(terminal, self.database, self.company, self.person, self.home)

    def push(self, *arguments: object) -> Ended:
        return self.terminal.tally("push", *arguments)

    def pushed(self, *arguments: object) -> Any:
        """The report of a push that went well."""
        ended = self.push(*arguments, "--json")
        assert ended.code == 0, ended.out + ended.err
        assert ended.json["ok"] is True
        rows = ended.json["rows"]
        if not ended.json["dry_run"]:
            assert rows["read"] == rows["stored"] + rows["unchanged"] + rows["rejected"]
        return ended.json

    @contextmanager
    def pushing(self, *arguments: object) -> Iterator[Running]:
        with self.terminal.running("push", *arguments) as running:
            yield running

    def forget(self) -> None:
        """What was written down here is lost."""
        for kept in (self.home / "state" / "tally").glob("*.db*"):
            kept.unlink()

    async def totals(self) -> dict[str, dict[str, int]]:
        """By session, in the words of expected.json."""
        async with self.database.transaction(self.company.id) as tx:
            rows = await tx.driver.fetch(TOTALS, self.company.id)
        return {row["external_id"]: {name: row[name] for name in FACTS} for row in rows}

    async def friction(self) -> list[dict[str, Any]]:
        return await self._fetch(FRICTION)

    async def signals(self) -> list[tuple[Any, ...]]:
        """Of each session, how often what went wrong: the same whatever its logs are called."""
        sums = ", ".join(f"count(DISTINCT f.id) FILTER (WHERE f.name = '{name}') AS {name}" for name in NAMES)
        rows = await self._fetch(f"""
            SELECT s.external_id, {sums} FROM ai_sessions s JOIN transcript_signals f
                ON f.account_id = $1 AND f.session_id = s.id WHERE s.account_id = $1 GROUP BY 1 ORDER BY 1
        """)
        return [tuple(row.values()) for row in rows]

    async def files(self) -> list[dict[str, Any]]:
        return await self._fetch(FILES)

    async def _fetch(self, statement: str) -> list[dict[str, Any]]:
        async with self.database.transaction(self.company.id) as tx:
            return [dict(row) for row in await tx.driver.fetch(statement, self.company.id)]

    async def has_all_of(self, tree: Tree) -> None:
        """Whatever happened on the way."""
        found = await self.totals()
        expected = tree.expected["claude"]["sessions"]
        assert {name: found.get(name) for name in expected} == expected
        others = [row for name, row in found.items() if name not in expected and not name.startswith(OWN)]
        total = tree.expected["codex"]["total"]
        assert {name: sum(row[name] for row in others) for name in total} == total


def many(folder: Path, number: int, lines: int = 4) -> Path:
    """So many small sessions, a day apart from nobody's time."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(number):
        (folder / f"session-{n:04}.jsonl").write_bytes(session(n, lines))
    return folder


def session(number: int, lines: int = 4, text: str = "hello") -> bytes:
    """A log of so many calls."""
    own = f"{OWN}{number:012}"
    made = list[str]()
    for n in range(lines):
        at = f"2026-03-01T10:{n // 60 % 60:02}:{n % 60:02}.000Z"
        usage = {"input_tokens": 10, "output_tokens": n, "cache_read_input_tokens": 0}
        message: dict[str, Any] = {
            "id": f"msg_{number}_{n}",
            "model": "claude-opus-4-5",
            "role": "assistant",
            "usage": usage,
        }
        message["content"] = [{"type": "text", "text": text}]
        line = {"type": "assistant", "sessionId": own, "requestId": f"req_{number}_{n}", "timestamp": at, "cwd": "/w"}
        made.append(json.dumps({**line, "uuid": f"{number}-{n}", "message": message}))
    return ("\n".join(made) + "\n").encode()


def stopped(number: int, n: int) -> bytes:
    """A line of that log: its member interrupted."""
    said = {"role": "user", "content": "[Request interrupted by user]"}
    at = f"2026-03-01T11:{n // 60 % 60:02}:{n % 60:02}.000Z"
    line = {"type": "user", "sessionId": f"{OWN}{number:012}", "uuid": f"stopped-{number}-{n}", "timestamp": at}
    return json.dumps({**line, "message": said}).encode() + b"\n"


def copied(tree: Tree, folder: Path) -> Path:
    """A tree of logs that may be written to."""
    for file in tree.files:
        copy = folder / file.relative_to(tree.root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    return folder
