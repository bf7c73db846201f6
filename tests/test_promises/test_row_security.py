"""T4: the floor under T1. Whoever signs in as the application with no account, another or rubbish sees nothing."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.db.addresses import Addresses
from tests.server import plain

TABLES = """
    SELECT c.relname, CASE WHEN c.relname = 'accounts' THEN 'id' ELSE 'account_id' END AS owner
    FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND relname NOT IN ('alembic_version', 'account_directory') ORDER BY 1
"""
HASH = "decode(repeat('00', 32), 'hex')"
# A row for every account table, in an order its foreign keys allow; a table that is not here fails the test below.
FILLED = {
    "accounts": f"INSERT INTO accounts (id, name, display_code, workspace_salt) VALUES ($1, 'a', 'a', {HASH})",
    "users": "INSERT INTO users (account_id, id, email, name, account_role) VALUES ($1, $1, 'a@b', 'a', 'viewer')",
    "api_keys": f"INSERT INTO api_keys (account_id, user_id, name, sha256, hint) VALUES ($1, $1, 'a', {HASH}, 'a')",
    "audit_log": "INSERT INTO audit_log (account_id, action, result, client_kind) VALUES ($1, 'a', 'a', 'a')",
    "idempotency_keys": f"INSERT INTO idempotency_keys (account_id, key, body_sha256) VALUES ($1, 'a', {HASH})",
    "job_leases": "INSERT INTO job_leases (account_id, job) VALUES ($1, 'a')",
    "job_runs": "INSERT INTO job_runs (account_id, job, began_at, outcome) VALUES ($1, 'a', now(), 'done')",
    "transcripts": "INSERT INTO transcripts (account_id, id, user_id, name, sha256, size, source)"
    " VALUES ($1, $1, $1, 'a', repeat('0', 64), 0, 'rows')",
    "transcript_sessions": "INSERT INTO transcript_sessions (account_id, transcript_id, session_id)"
    " VALUES ($1, $1, $1)",
    "transcript_signals": "INSERT INTO transcript_signals (account_id, transcript_id, id, session_id, name)"
    " VALUES ($1, $1, $1, $1, 'retries')",
    "processor_state": "INSERT INTO processor_state (account_id, transcript_id, processor, version)"
    " VALUES ($1, $1, 'a', 1)",
    "journals": "INSERT INTO journals (account_id, id, name, read_sha256) VALUES ($1, $1, 'a', repeat('0', 64))",
    "journal_sessions": "INSERT INTO journal_sessions (account_id, journal_id, session_id) VALUES ($1, $1, $1)",
    "ai_sessions": "INSERT INTO ai_sessions (account_id, id) VALUES ($1, $1)",
    "messages": "INSERT INTO messages (account_id, session_id, role, created_at) VALUES ($1, $1, 'user', now())",
    "tool_calls": "INSERT INTO tool_calls (account_id, session_id) VALUES ($1, $1)",
    "ai_session_steps": "INSERT INTO ai_session_steps (account_id, session_id) VALUES ($1, $1)",
    "session_handoffs": "INSERT INTO session_handoffs (account_id, session_id) VALUES ($1, $1)",
    "account_versions": "INSERT INTO account_versions (account_id) VALUES ($1)",
    "usage_days": "INSERT INTO usage_days (account_id, day, agent_name, model_id, role) VALUES ($1, now(), '', '', '')",
    "member_days": "INSERT INTO member_days (account_id, day, user_id, model_id) VALUES ($1, now(), $1, '')",
    "session_days": "INSERT INTO session_days (account_id, day, session_id) VALUES ($1, now(), $1)",
    "account_hours": "INSERT INTO account_hours (account_id, hour) VALUES ($1, now())",
    "session_hours": "INSERT INTO session_hours (account_id, hour, session_id) VALUES ($1, now(), $1)",
    "subject_weeks": "INSERT INTO subject_weeks (account_id, day, subject, name) VALUES ($1, now(), 'agent', '')",
    "subject_days": "INSERT INTO subject_days (account_id, day, subject, name) VALUES ($1, now(), 'agent', '')",
}
# Settings that name no account, or another one; the last two are refused outright.
SETTINGS = ["RESET app.account_id", "SET app.account_id = ''", f"SET app.account_id = '{UUID(int=7)}'"]
RUBBISH = ["SET app.account_id = 'rubbish'", "SET app.account_id = 'x'' OR true --'"]
REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidTextRepresentationError)


@pytest.fixture
async def program(apart: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """Any program that signs in as the application."""
    connection = await asyncpg.connect(plain(apart.application))
    yield connection
    await connection.close()


@pytest.fixture
async def victim(program: asyncpg.Connection) -> UUID:
    """An account with a row in every table."""
    account = uuid4()
    await program.execute(f"SET app.account_id = '{account}'")
    for statement in FILLED.values():
        await program.execute(statement, account)
    return account


async def test_every_account_table_is_tried(program: asyncpg.Connection) -> None:
    assert {row["relname"] for row in await program.fetch(TABLES)} == set(FILLED)


@pytest.mark.parametrize("setting", SETTINGS)
async def test_without_the_right_account_there_are_no_rows(
    program: asyncpg.Connection, victim: UUID, setting: str
) -> None:
    for table in FILLED:
        assert await program.fetchval(f"SELECT count(*) FROM {table}") == 1
    await program.execute(setting)
    for row in await program.fetch(TABLES):
        table, owner = row["relname"], row["owner"]
        assert await program.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await program.fetchval(f"SELECT count(*) FROM {table} WHERE {owner} = $1", victim) == 0
        assert await program.execute(f"DELETE FROM {table}") == "DELETE 0"
        if table != "audit_log":
            assert await program.execute(f"UPDATE {table} SET {owner} = {owner}") == "UPDATE 0"
    for statement in FILLED.values():
        for account in (victim, uuid4()):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await program.execute(statement, account)


@pytest.mark.parametrize("setting", RUBBISH)
async def test_rubbish_for_an_account_is_refused(program: asyncpg.Connection, victim: UUID, setting: str) -> None:
    await program.execute(setting)
    for table, statement in FILLED.items():
        with pytest.raises(REFUSED):
            await program.fetch(f"SELECT * FROM {table}")
        with pytest.raises(REFUSED):
            await program.execute(statement, victim)


async def test_rows_cannot_be_given_away_nor_the_net_be_lifted(program: asyncpg.Connection, victim: UUID) -> None:
    refused = (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)
    for row in await program.fetch(TABLES):
        table, owner = row["relname"], row["owner"]
        for statement in (
            f"UPDATE {table} SET {owner} = '{uuid4()}'",
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"CREATE POLICY open ON {table} USING (true)",
            f"SET row_security = off; SELECT * FROM {table}",
            f"COPY {table} FROM STDIN",
        ):
            with pytest.raises(refused):
                await program.execute(statement)
            await program.execute("SET row_security = on")
