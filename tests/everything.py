"""An account with something in every table, so that what deletes or exports must speak of each.

A new table fails `tables_of` by itself: nobody taught this page how a row comes into it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from app.db.engine import Database
from app.db.ids import new_id
from tests.people import Person

TABLES = """
    SELECT c.relname AS name, a.attname AS key FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid
        AND a.attname = CASE c.relname WHEN 'accounts' THEN 'id' ELSE 'account_id' END
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1
"""
NOW = datetime.now(UTC)
# What only the worker's jobs write.
BY_JOBS = {
    "processor_state": """
        INSERT INTO processor_state (account_id, transcript_id, processor, version)
        SELECT account_id, id, 'sessions', 1 FROM transcripts WHERE account_id = $1 ON CONFLICT DO NOTHING
    """,
    "journals": """
        INSERT INTO journals (account_id, id, name, read_sha256) SELECT $1, $1, 'events', repeat('0', 64)
        ON CONFLICT DO NOTHING
    """,
    "journal_sessions": """
        INSERT INTO journal_sessions (account_id, journal_id, session_id)
        SELECT account_id, $1, id FROM ai_sessions WHERE account_id = $1 ON CONFLICT DO NOTHING
    """,
    "job_leases": "INSERT INTO job_leases (account_id, job) VALUES ($1, 'retention') ON CONFLICT DO NOTHING",
    "job_runs": """
        INSERT INTO job_runs (account_id, job, began_at, outcome) VALUES ($1, 'retention', now(), 'done')
    """,
}
RAW = b'{"type": "user"}\n'


def rows_of(name: str) -> dict[str, list[dict[str, Any]]]:
    own = {"session_id": name, "id": "1"}
    at = (NOW - timedelta(hours=1)).isoformat()
    said = {"role": "assistant", "agent_name": "coder", "model_id": "claude-sonnet-4-5", "output_tokens": 9}
    return {
        "sessions": [{"id": name, "created_at": at, "workspace": "w"}],
        "messages": [{**own, "created_at": at, "response_time_ms": 20, **said}],
        "tool_calls": [{**own, "name": "search", "started_at": at, "duration_ms": 5}],
        "steps": [{**own, "created_at": at}],
        "handoffs": [{**own, "created_at": at}],
    }


async def sent(client: httpx.AsyncClient, person: Person, url: str, body: Any, **headers: str) -> Any:
    answer = await client.post(url, json=body, headers={**person.headers, **headers})
    assert answer.is_success, answer.text
    return answer.json()


@dataclass(frozen=True)
class World:
    """Fills accounts, and looks at what is there."""

    client: httpx.AsyncClient
    database: Database
    storage: Any
    folder: Path

    async def fill(self, *people: Person) -> None:
        """Through the front door where there is one."""
        for person in people:
            name = f"session of {person.id}"
            await sent(
                self.client, person, "/api/v1/ingest/batches", rows_of(name), **{"Idempotency-Key": str(new_id())}
            )
            await sent(self.client, person, "/api/v1/keys", {"name": "laptop"})
            file = {"name": f"{person.id}.jsonl", "sha256": "0" * 64, "size": 3}
            told = {"session_id": name, "retries": ["0" * 16, "1" * 16]}
            await sent(self.client, person, "/api/v1/sync/pushes", {"files": [file | {"sessions": [told]}]})
            await self.client.get("/api/v1/sync/manifest", headers=person.headers)
            await self._keep_raw(person)
            await self._as_jobs_do(person.account_id)

    async def _keep_raw(self, person: Person) -> None:
        key = f"{person.account_id}/{person.id}/{new_id()}"
        raw = self.folder / str(person.id)
        raw.write_bytes(RAW)
        await self.storage.keep(raw, key)
        async with self.database.transaction(person.account_id) as tx:
            await tx.driver.execute(
                "UPDATE transcripts SET storage_key = $3, source = 'upload' WHERE account_id = $1 AND user_id = $2",
                *(person.account_id, person.id, key),
            )

    async def _as_jobs_do(self, account: UUID) -> None:
        async with self.database.transaction(account) as tx:
            known = {row["name"] for row in await tx.driver.fetch(TABLES)}
            for table, row in BY_JOBS.items():
                if table in known:
                    await tx.driver.execute(row, account)

    async def rows(self, account: UUID) -> dict[str, int]:
        """In every table that the catalogue says is an account's."""
        async with self.database.transaction(account, read_only=True) as tx:
            return {
                name: await tx.driver.fetchval(f"SELECT count(*) FROM {name} WHERE {key} = $1", account)
                for name, key in await tx.driver.fetch(TABLES)
            }

    async def naming(self, account: UUID, word: object) -> set[str]:
        """The tables of an account in which a word stands anywhere."""
        async with self.database.transaction(account, read_only=True) as tx:
            return {
                name
                for name, key in await tx.driver.fetch(TABLES)
                if await tx.driver.fetchval(
                    f"SELECT count(*) FROM {name} t WHERE {key} = $1 AND strpos(t::text, $2) > 0", account, str(word)
                )
            }

    async def files(self, account: UUID) -> set[str]:
        return {file.key async for file in self.storage.keys(account)}
