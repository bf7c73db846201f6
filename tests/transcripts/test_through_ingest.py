"""The parsers' rows through the real door: what the database then says of each session is what must be counted."""

import random
from typing import Any

from httpx import AsyncClient

from app.db.engine import Database
from app.transcripts.formats.ledger import Fact
from tests.people import Company
from tests.transcripts.corpus import Tree, each_tree
from tests.transcripts.merged import TOKENS, Merged
from tests.transcripts.reading import read

AT_ONCE = 2_000
TOTALS = """
    SELECT external_id, assistant_messages AS calls, tool_calls, tool_errors,
        input_tokens AS input, output_tokens AS output, cache_read_tokens AS cache_read,
        cache_creation_tokens AS cache_creation, user_messages
    FROM ai_sessions WHERE account_id = $1
"""


async def send(client: AsyncClient, company: Company, rows: list[Fact]) -> None:
    for start in range(0, len(rows), AT_ONCE):
        batch: dict[str, list[Any]] = {}
        for fact in rows[start : start + AT_ONCE]:
            batch.setdefault(fact.kind, []).append(fact.row)
        answer = await client.post("/api/v1/ingest/batches", json=batch, headers=company.admin.headers)
        assert answer.status_code == 200, answer.text[:1000]


@each_tree
async def test_sessions_total_what_is_expected_in_any_order(
    tree: Tree, client: AsyncClient, database: Database, company: Company
) -> None:
    rows = [
        item
        for file in tree.files
        for item in read(tree.form(file), file.read_bytes())
        if isinstance(item, Fact) and item.kind != "signals"
    ]
    random.Random(len(rows)).shuffle(rows)
    await send(client, company, rows + rows[: len(rows) // 3])
    async with database.transaction(company.id) as tx:
        stored = {row["external_id"]: dict(row) for row in await tx.driver.fetch(TOTALS, company.id)}
    found = Merged(rows)
    names = ("calls", *TOKENS, "tool_calls", "tool_errors")
    counted = {session: {name: row[name] for name in names} for session, row in stored.items()}
    for session, expected in tree.expected["claude"]["sessions"].items():
        assert counted[session] == expected
    nothing = dict.fromkeys(names, 0)
    assert counted == {session: found.counted().get(session, nothing) for session in found.sessions}
    prompts = sum(row["role"] == "user" for row in found.messages.values())
    assert sum(row["user_messages"] for row in stored.values()) == prompts > 0
