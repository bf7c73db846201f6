"""Uploading in tests, and passes of the processors, with what the database then says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from app.db.engine import Database
from app.transcripts.friction import NAMES
from app.transcripts.pipeline import Budget, run_processor
from app.transcripts.storage import Storage
from tests.people import Company, Person

TRANSCRIPTS = "/api/v1/transcripts"
TOTALS = """
    SELECT external_id, assistant_messages AS calls, input_tokens AS input, output_tokens AS output,
        cache_read_tokens AS cache_read, cache_creation_tokens AS cache_creation, tool_calls, tool_errors
    FROM ai_sessions WHERE account_id = $1
"""
COUNTED = ", ".join(f"count(f.id) FILTER (WHERE f.name = '{name}') AS {name}" for name in NAMES)
# What each log tells of each session, as counts.
BY_LOG = f"""
    SELECT t.name, t.id AS transcript_id, l.session_id, {COUNTED}
    FROM transcript_sessions l JOIN transcripts t ON t.account_id = $1 AND t.id = l.transcript_id
        LEFT JOIN transcript_signals f
            ON f.account_id = $1 AND f.transcript_id = l.transcript_id AND f.session_id = l.session_id
    WHERE l.account_id = $1 GROUP BY t.name, t.id, l.session_id
"""
FRICTION = f"SELECT * FROM ({BY_LOG}) AS f ORDER BY transcript_id, session_id"


@dataclass(frozen=True)
class Library:
    """The logs of one company."""

    client: httpx.AsyncClient
    database: Database
    storage: Storage
    company: Company

    async def upload(self, name: str, content: bytes, person: Person | None = None, **headers: str) -> Any:
        own = (person or self.company.viewer).headers
        sent = {"content": content, "headers": {**own, **headers}, "params": {"name": name}}
        answer = await self.client.post(TRANSCRIPTS, **sent)  # type: ignore[arg-type]
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def process(self, *names: str, budget: Budget | None = None) -> dict[str, Any]:
        """A pass of each; what the last did."""
        done: dict[str, Any] = {}
        for name in names or ("usage", "friction"):
            done = await run_processor(
                self.database, self.storage, self.company.id, name, budget or Budget(files=10_000, seconds=100)
            )
        return done

    async def listed(self, person: Person | None = None, **query: Any) -> list[Any]:
        headers = (person or self.company.viewer).headers
        answer = await self.client.get(TRANSCRIPTS, params={"limit": 200, **query}, headers=headers)
        rows: list[Any] = answer.raise_for_status().json()["rows"]
        return rows

    async def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        async with self.database.transaction(self.company.id) as tx:
            return [dict(row) for row in await tx.driver.fetch(sql, self.company.id, *values)]

    async def execute(self, sql: str, *values: object) -> None:
        async with self.database.transaction(self.company.id) as tx:
            await tx.driver.execute(sql, self.company.id, *values)

    async def totals(self) -> dict[str, dict[str, int]]:
        """By session, in the words of expected.json."""
        return {row.pop("external_id"): row for row in await self.rows(TOTALS)}

    async def friction(self) -> list[dict[str, Any]]:
        return await self.rows(FRICTION)

    async def raw_files(self) -> list[str]:
        return [kept.key async for kept in self.storage.keys(self.company.id)]


def library_of(app: FastAPI, client: httpx.AsyncClient, company: Company) -> Library:
    return Library(client, app.state.database, app.state.storage, company)


def called(root: Path, file: Path) -> str:
    return str(file.relative_to(root))
