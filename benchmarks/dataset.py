"""Three million messages over a hundred accounts, with all that belongs to them, rollups and totals exact.

    dataset = prepare(addresses, settings, SCALES["small"])

`addresses.owner` must be a superuser of a migrated database: rows are made where they are kept, past row-level
security. Of the messages two fifths are one account's, over 120 days (`dataset.big`), a twenty-fifth another's
(`dataset.medium`); the rest have equal parts. Sessions have twenty messages, ten tool calls and, one in five, steps;
the big account has 3,000 handoffs of the last 90 days at full scale. Each account has MEMBERS members, of whom
`reader` is an engineer. Tables are vacuumed and analyzed, as autovacuum would leave them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import URL

from app.admin.founding import add_user, create_account
from app.cli.operator import run_on
from app.db.addresses import Addresses
from app.db.engine import Database, Tx
from app.facts import recount, retotal, upkeep
from app.facts.recount import Span
from app.settings import Settings
from benchmarks.database import plain

ACCOUNTS, DAYS, MEMBERS, A_SESSION, AT_ONCE = 100, 120, 12, 20, 2
MEMBER = f"""
    INSERT INTO users (account_id, id, email, name, account_role)
    SELECT $1::uuid, md5($1::uuid::text || 'u' || n)::uuid, 'member' || n || '@example.com', 'Member ' || n, 'viewer'
    FROM generate_series(0, {MEMBERS - 1}) AS n
"""
# $2 sessions over $3 days, from seven to five in Berlin, whenever this runs: what another zone costs depends on it.
# What a session is follows from its number.
SESSIONS = f"""
    INSERT INTO ai_sessions (account_id, id, external_id, user_id, session_type, status, created_at, updated_at)
    SELECT $1::uuid, md5($1::uuid::text || 's' || n)::uuid, 's' || n, md5($1::uuid::text || 'u' || n % {MEMBERS})::uuid,
        CASE WHEN n % 5 = 0 THEN 'guided' ELSE 'chat' END, 'completed', at, at + interval '12 minutes'
    FROM generate_series(0, $2::bigint - 1) AS n,
        LATERAL (SELECT date_trunc('day', now() - interval '18 hours', 'Europe/Berlin') + interval '17 hours'
            - make_interval(
                days => (n % $3::bigint)::int, secs => 20000 * power(random(), 1.5) + 16000 * random())) AS t (at)
"""
MESSAGES = f"""
    INSERT INTO messages (account_id, id, session_id, user_id, role, status, is_error, error_kind, agent_name, model_id,
        provider, created_at, given_response_ms, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens,
        cost_micros, price_version)
    SELECT $1::uuid, gen_random_uuid(), s.id, s.user_id, role,
        CASE WHEN wrong THEN 'failed' ELSE 'completed' END, wrong, CASE WHEN wrong THEN 'timeout' END,
        CASE WHEN answers THEN 'agent-' || h % 12 END,
        CASE WHEN answers THEN 'model-' || h % 7 END, CASE WHEN answers THEN 'provider-' || h % 3 END,
        s.created_at + make_interval(secs => n * 35 + random() * 20),
        CASE WHEN answers THEN (exp(7 + (h % 7) * 0.3 + 0.6 * random_normal()))::int END,
        CASE WHEN answers THEN given ELSE 0 END, CASE WHEN answers THEN made ELSE 0 END,
        CASE WHEN answers THEN read ELSE 0 END, CASE WHEN answers THEN written ELSE 0 END,
        CASE WHEN NOT answers THEN 0 WHEN h % 7 <> 6 THEN 3 * given + 15 * made + (0.3 * read)::int + 4 * written END,
        CASE WHEN answers AND h % 7 <> 6 THEN 'benchmark' END
    FROM ai_sessions AS s
    CROSS JOIN generate_series(0, {A_SESSION - 1}) AS n
    CROSS JOIN LATERAL (SELECT n % 2 = 1, hashtext(s.id::text) & 65535, (2000 * random())::int, (900 * random())::int,
        (80000 * random())::int, (1500 * random())::int, s.id) AS a (answers, h, given, made, read, written)
    CROSS JOIN LATERAL (SELECT CASE WHEN answers THEN 'assistant' ELSE 'user' END, answers AND random() < 0.02)
        AS b (role, wrong)
    WHERE s.account_id = $1 ORDER BY s.created_at, n
"""
CALLS = f"""
    INSERT INTO tool_calls (account_id, id, session_id, user_id, name, status, is_error, started_at, given_duration_ms)
    SELECT $1::uuid, gen_random_uuid(), s.id, s.user_id, 'tool-' || (n * 7 + (hashtext(s.id::text) & 65535)) % 15,
        CASE WHEN wrong THEN 'error' ELSE 'success' END, wrong, s.created_at + make_interval(secs => n * 70 + 20),
        (exp(5 + 0.9 * random_normal()))::int
    FROM ai_sessions AS s CROSS JOIN generate_series(0, {A_SESSION // 2 - 1}) AS n
    CROSS JOIN LATERAL (SELECT random() < 0.04, s.id) AS e (wrong)
    WHERE s.account_id = $1 ORDER BY s.created_at, n
"""
STEPS = """
    INSERT INTO ai_session_steps (account_id, id, session_id, created_at, step_order, step_type, confidence_at_step)
    SELECT $1::uuid, gen_random_uuid(), s.id, s.created_at + make_interval(secs => n * 130), n, 'question',
        0.4 + n * 0.1
    FROM ai_sessions AS s CROSS JOIN generate_series(1, 5) AS n
    WHERE s.account_id = $1 AND s.session_type = 'guided' ORDER BY s.created_at, n
"""
# $2 handoffs over the last $3 days, one in ten unclaimed; most who claim do a step soon.
HANDOFFS = f"""
    INSERT INTO session_handoffs (account_id, id, session_id, created_at, intent, priority, claimed_at, claimed_by)
    SELECT $1::uuid, gen_random_uuid(), s.id, asked, 'intent-' || n % 6,
        (ARRAY['low', 'normal', 'high', 'urgent'])[1 + n % 4],
        CASE WHEN n % 10 > 0 THEN asked + make_interval(secs => least(3000, exp(6 + random_normal()))) END,
        CASE WHEN n % 10 > 0 THEN md5($1::uuid::text || 'u' || n % {MEMBERS})::uuid END
    FROM (
        SELECT id, created_at + interval '12 minutes' AS asked, row_number() OVER (ORDER BY id) AS n FROM ai_sessions
        WHERE account_id = $1 AND created_at > now() - make_interval(days => $3::int) ORDER BY id LIMIT $2
    ) AS s
"""
ACTIONS = """
    INSERT INTO ai_session_steps (account_id, id, session_id, created_at, step_type)
    SELECT $1::uuid, gen_random_uuid(), session_id, claimed_at + make_interval(secs => exp(4.5 + random_normal())),
        'human_action'
    FROM session_handoffs WHERE account_id = $1 AND claimed_at IS NOT NULL AND hashtext(id::text) % 10 <> 0
"""


@dataclass(frozen=True)
class Scale:
    """How many messages in all."""

    messages: int

    def parts(self) -> list[tuple[int, int]]:
        """Messages and handoffs of each account."""
        big, medium = self.messages * 2 // 5, self.messages // 25
        rest = (self.messages - big - medium) // (ACCOUNTS - 2)
        return [(big, self.messages // 1000), (medium, self.messages // 10_000), *[(rest, 20)] * (ACCOUNTS - 2)]


SCALES = {"small": Scale(300_000), "full": Scale(3_000_000)}


@dataclass(frozen=True)
class Filled:
    """An account with what is in it, and a member who may read every report."""

    id: UUID
    reader: UUID
    messages: int


@dataclass(frozen=True)
class Dataset:
    big: Filled
    medium: Filled
    rest: Sequence[Filled]


def prepare(addresses: Addresses, settings: Settings, scale: Scale) -> Dataset:
    """Make the whole data set, two accounts at a time."""

    async def make(database: Database) -> Dataset:
        parts = iter(scale.parts())
        filled: list[Filled] = []

        async def lane() -> None:
            owner = await superuser(addresses.owner)
            for messages, handoffs in parts:
                filled.append(await account(database, owner, messages, handoffs))
            await owner.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(lane())
        await settle(addresses.owner)
        big, medium, *rest = sorted(filled, key=lambda one: -one.messages)
        return Dataset(big, medium, rest)

    return asyncio.run(run_on(addresses, settings, make))


async def superuser(url: URL) -> "asyncpg.Connection[Any]":
    """A connection whose rows need not look for the sessions they belong to: they were just made."""
    connection = await asyncpg.connect(plain(url))
    await connection.execute(
        "SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '64MB'"
    )
    return connection


async def account(database: Database, owner: "asyncpg.Connection[Any]", messages: int, handoffs: int = 0) -> Filled:
    """One account of so many messages over DAYS days."""
    made = await create_account(database, "Bench", "Europe/Berlin")
    reader = await add_user(database, made["id"], "reader@example.com", "engineer")
    for statement, *values in (
        (MEMBER,),
        (SESSIONS, max(1, messages // A_SESSION), DAYS),
        (MESSAGES,),
        (CALLS,),
        (STEPS,),
        (HANDOFFS, handoffs, DAYS * 3 // 4),
        (ACTIONS,),
    ):
        await owner.execute(statement, made["id"], *values)
    await count(Tx(made["id"], None, owner))  # type: ignore[arg-type]
    return Filled(made["id"], reader["id"], messages // A_SESSION * A_SESSION)


async def count(tx: Tx) -> None:
    """Rollups and totals, by the same statements that rebuild them."""
    await tx.driver.execute("ANALYZE")  # else each count of a week reads all there is, day by day
    calendar, days, handfuls = await upkeep.extent(tx)
    for week in upkeep.parts(days):
        await recount.replace(tx, Span.of(calendar, week))
    for handful in handfuls:
        await retotal.replace(tx, handful)
    await tx.driver.execute(upkeep.RENEW, tx.account)


async def settle(url: URL) -> None:
    """Index-only scans and plans need what autovacuum does after a while."""
    connection = await superuser(url)
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()
