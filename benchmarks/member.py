"""One member with a long history among others: sessions, logs read and waiting, audit.

    member = await fill(database, owner, Size(sessions=20_000, notes=100_000))

`owner` is a superuser's connection (benchmarks/dataset.py). Of the notes nine in ten are reads of reports, one in
twenty is of a sync. The other members of the account have as much.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from app.admin.founding import add_user, create_account
from app.db.engine import Database, Tx
from benchmarks.dataset import count

DAYS = 365
SESSIONS = f"""
    INSERT INTO ai_sessions (account_id, id, external_id, user_id, status, created_at, updated_at)
    SELECT $1::uuid, md5($2::uuid::text || 's' || n)::uuid, 's' || n, $2::uuid, 'completed', at, at + interval '1 hour'
    FROM generate_series(1, $3::bigint) AS n,
        LATERAL (SELECT now() - interval '2 days' - n * (interval '{DAYS - 3} days' / $3::bigint)) AS t (at)
"""
# Every tenth session goes on the next day or the one after.
MESSAGES = """
    INSERT INTO messages (account_id, id, session_id, user_id, role, status, model_id, created_at, input_tokens,
        output_tokens, cache_read_tokens, cache_creation_tokens, cost_micros)
    SELECT $1::uuid, gen_random_uuid(), s.id, s.user_id, CASE n WHEN 4 THEN 'assistant' ELSE 'user' END,
        'completed', CASE n WHEN 4 THEN 'model-' || ((hashtext(s.id::text) + n) & 3) END,
        s.created_at + n * CASE WHEN s.external_id LIKE '%7' THEN interval '9 hours' ELSE interval '1 minute' END,
        (h & 2047), (h & 1023), (h & 65535), (h & 511), (h & 8191)
    FROM ai_sessions AS s CROSS JOIN generate_series(1, 4, 3) AS n
    CROSS JOIN LATERAL (SELECT hashtext(s.id::text || n) & 1048575) AS a (h)
    WHERE s.account_id = $1 AND s.user_id = $2 ORDER BY s.created_at, n
"""
LOGS = """
    INSERT INTO transcripts (account_id, id, user_id, name, sha256, size, source, form, uploaded_at, processed_at)
    SELECT $1::uuid, md5(s.id::text)::uuid, $2::uuid, 'projects/p/' || s.external_id || '.jsonl', repeat('0', 64), 1000,
        'rows', 'claude_code', s.updated_at, s.updated_at
    FROM ai_sessions AS s WHERE s.account_id = $1 AND s.user_id = $2
"""
READ = """
    INSERT INTO transcript_sessions (account_id, transcript_id, session_id)
    SELECT $1::uuid, md5(s.id::text)::uuid, s.id FROM ai_sessions AS s WHERE s.account_id = $1 AND s.user_id = $2
"""
WAITING = """
    INSERT INTO transcripts (account_id, id, user_id, name, sha256, size, source, form, storage_key, uploaded_at)
    SELECT $1::uuid, md5($2::uuid::text || 'w' || n)::uuid, $2::uuid, 'projects/w/' || n || '.jsonl', repeat('0', 64),
        1000, 'upload', 'claude_code', 'x' || n, now() - n * interval '1 day'
    FROM generate_series(1, $3::bigint) AS n
"""
NOTES = f"""
    INSERT INTO audit_log (account_id, id, at, user_id, action, parameters, result, status, duration_ms, client_kind)
    SELECT $1::uuid, gen_random_uuid(), now() - n * (interval '{DAYS} days' / $3::bigint), $2::uuid,
        CASE n % 20 WHEN 0 THEN 'manifest.fetch' WHEN 1 THEN 'key.create'
            ELSE 'query.' || (ARRAY['usage', 'agents', 'models', 'users'])[1 + n % 4] END,
        '{{"start_date": "2026-05-01", "end_date": "2026-05-31"}}', 'done', 200, n % 50, 'web'
    FROM generate_series(1, $3::bigint) AS n
"""


@dataclass(frozen=True)
class Size:
    sessions: int = 20_000
    notes: int = 100_000
    waiting: int = 300
    members: int = 2


@dataclass(frozen=True)
class Member:
    account: UUID
    id: UUID


async def fill(database: Database, owner: "asyncpg.Connection[Any]", size: Size) -> Member:
    """The account and its member, an engineer; rollups and totals exact. Not yet vacuumed (dataset.settle)."""
    account = (await create_account(database, "Bench", "Europe/Berlin"))["id"]
    members = [(await add_user(database, account, f"{n}@example.com", "engineer"))["id"] for n in range(size.members)]
    for member in members:
        for statement, *values in (
            (SESSIONS, size.sessions),
            (MESSAGES,),
            (LOGS,),
            (READ,),
            (WAITING, size.waiting),
            (NOTES, size.notes),
        ):
            await owner.execute(statement, account, member, *values)
    await count(Tx(account, None, owner))  # type: ignore[arg-type]
    return Member(account, members[0])
