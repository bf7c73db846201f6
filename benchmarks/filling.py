"""Facts and rollups by the million, straight into the tables: for speed alone, what is written is the same shape.

The writer's own speed is another benchmark's business.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from app.facts.latency import GAMMA

A_SESSION = 20  # messages
MEMBERS = 10
NUMBERS = """count(*), count(*) FILTER (WHERE is_error), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),
    sum(cache_creation_tokens), count(response_time_ms), coalesce(sum(response_time_ms), 0),
    coalesce(sum(cost_micros), 0), count(*) - count(cost_micros)"""
MEMBER = """
    INSERT INTO users (account_id, id, email, name, account_role)
    SELECT $1::uuid, md5($1::uuid::text || 'u' || u)::uuid, 'member' || u || '@example.com', 'Member ' || u, 'viewer'
    FROM generate_series(0, {members} - 1) AS u
"""
TOKENS = ", ".join(f"CASE WHEN answers THEN ({most} * random())::int ELSE 0 END" for most in (500, 900, 9000, 500))
SESSIONS = """
    INSERT INTO ai_sessions (account_id, id, user_id, status, created_at, updated_at, first_activity_at,
        last_activity_at, user_messages, assistant_messages, other_messages)
    SELECT $1::uuid, md5($1::uuid::text || s)::uuid, md5($1::uuid::text || 'u' || s % {members})::uuid, 'resolved',
        at, at + interval '10 minutes', at, at + interval '10 minutes', 9, 9, 2
    FROM generate_series(0, $2::bigint / {a_session} - 1) AS s,
        LATERAL (SELECT (1 - s / ($2::bigint / {a_session}.0)) * $3::int * 86400) AS l (back),
        LATERAL (SELECT $4::timestamptz - make_interval(secs => back)) AS t (at)
"""
MESSAGES = """
    INSERT INTO messages (account_id, id, session_id, user_id, role, is_error, agent_name, model_id, created_at,
        given_response_ms, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost_micros)
    SELECT $1::uuid, gen_random_uuid(), s.id, s.user_id, role, answers AND random() < 0.03,
        CASE WHEN answers THEN 'agent ' || bot END,
        CASE WHEN answers THEN 'model-' || (bot + pick) % 6 END,
        s.created_at + make_interval(secs => n * 30),
        CASE WHEN answers THEN exp(7 + 0.9 * random_normal())::int END,
        {tokens},
        CASE WHEN NOT answers THEN 0 WHEN pick < 2 THEN (20000 * random())::int END
    FROM ai_sessions AS s
    CROSS JOIN generate_series(0, {a_session} - 1) AS n
    CROSS JOIN LATERAL (SELECT CASE WHEN n % 10 = 9 THEN 'tool' WHEN n % 2 = 0 THEN 'user' ELSE 'assistant' END,
        hashtext(s.id::text) & 1023) AS r (role, h)
    CROSS JOIN LATERAL (SELECT role = 'assistant', h % 12, h % 3) AS a (answers, bot, pick)
    WHERE s.account_id = $1 ORDER BY s.created_at, n
"""
CALLS = """
    INSERT INTO tool_calls (account_id, id, session_id, user_id, name, is_error, started_at, given_duration_ms)
    SELECT $1::uuid, gen_random_uuid(), s.id, s.user_id, 'tool ' || (hashtext(s.id::text) & 1023) % 15,
        random() < 0.05, s.created_at + make_interval(secs => n * 60), exp(5 + random_normal())::int
    FROM ai_sessions AS s CROSS JOIN generate_series(0, 4) AS n WHERE s.account_id = $1 ORDER BY s.created_at, n
"""
HANDOFFS = """
    INSERT INTO session_handoffs (account_id, session_id, created_at, intent, priority, claimed_at)
    SELECT $1::uuid, id, created_at, 'intent ' || n % 5, CASE WHEN n % 3 = 0 THEN 'high' END,
        CASE WHEN n % 10 > 0 THEN created_at + make_interval(secs => n % 900) END
    FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM ai_sessions WHERE account_id = $1) AS s
    WHERE n <= $2::bigint * $3::int / 90
"""
STEPS = """
    INSERT INTO ai_session_steps (account_id, session_id, created_at)
    SELECT $1::uuid, session_id, created_at + make_interval(secs => 300 * n)
    FROM session_handoffs CROSS JOIN generate_series(0, 5) AS n WHERE account_id = $1
"""
DAY = "(created_at AT TIME ZONE $2)::date"
BUCKET = f"CASE WHEN {{0}} <= 1 THEN 0 ELSE ceil(ln({{0}}::float8) / ln({GAMMA}::float8) - 1e-9)::int END"
HISTOGRAMS = """
    INSERT INTO latency_days
    SELECT $1::uuid, day, '{subject}', name, array_agg(v ORDER BY bucket, part)
    FROM (SELECT {day} AS day, {name} AS name, {bucket} AS bucket, count(*)::int AS n FROM {table}
        WHERE account_id = $1 AND {ms} IS NOT NULL AND {name} IS NOT NULL GROUP BY 1, 2, 3) AS h,
        LATERAL (VALUES (0, bucket), (1, n)) AS pair (part, v)
    GROUP BY 1, 2, 3, 4
"""
ROLLUPS = (
    (
        f"INSERT INTO usage_days SELECT $1::uuid, {DAY}, coalesce(agent_name, ''), coalesce(model_id, ''), role,"
        f" {NUMBERS} FROM messages WHERE account_id = $1 GROUP BY 2, 3, 4, 5"
    ),
    (
        f"INSERT INTO member_days SELECT $1::uuid, {DAY}, user_id, coalesce(model_id, ''), {NUMBERS}"
        " FROM messages WHERE account_id = $1 GROUP BY 2, 3, 4"
    ),
    f"""INSERT INTO session_days
        SELECT $1::uuid, {DAY}, session_id, count(*) FROM messages WHERE account_id = $1 GROUP BY 2, 3""",
    f"""INSERT INTO account_days
        SELECT $1::uuid, day, coalesce(made, 0), coalesce(active, 0)
        FROM (SELECT {DAY} AS day, count(*) AS made FROM ai_sessions WHERE account_id = $1 GROUP BY 1) AS m
        FULL JOIN (SELECT day, count(*) AS active FROM session_days WHERE account_id = $1 GROUP BY 1) AS a
        USING (day)""",
    f"""INSERT INTO tool_days SELECT $1::uuid, {DAY.replace("created", "occurred")}, name, count(*),
        count(*) FILTER (WHERE is_error), count(duration_ms), sum(duration_ms)
        FROM tool_calls WHERE account_id = $1 GROUP BY 2, 3""",
    *(
        HISTOGRAMS.format(
            subject=subject, name=name, table=table, ms=ms, day=DAY.replace("created", at), bucket=BUCKET.format(ms)
        )
        for subject, name, table, ms, at in (
            ("agent", "agent_name", "messages", "response_time_ms", "created"),
            ("model", "model_id", "messages", "response_time_ms", "created"),
            ("tool", "name", "tool_calls", "duration_ms", "occurred"),
        )
    ),
)
TABLES = (
    "users", "ai_sessions", "messages", "tool_calls", "session_handoffs", "ai_session_steps", "account_versions",
    "usage_days", "member_days", "tool_days", "session_days", "account_days", "latency_days",
)  # fmt: skip
VERSION = "INSERT INTO account_versions (account_id, version) VALUES ($1, 1) ON CONFLICT DO NOTHING"


@dataclass(frozen=True)
class Size:
    """How much of it, over how many days, up to which midnight."""

    messages: int
    days: int
    handoffs: int = 3_000  # in 90 days


async def fill(owner: asyncpg.Connection, account: UUID, size: Size, zone: str = "UTC") -> None:
    """An account that exists gets its members, sessions, messages, tool calls and rollups, up to this hour."""
    until = await owner.fetchval("SELECT date_trunc('hour', now())")
    words = {"members": MEMBERS, "a_session": A_SESSION, "tokens": TOKENS}
    await owner.execute(MEMBER.format(**words), account)
    await owner.execute(SESSIONS.format(**words), account, size.messages, size.days, until)
    await owner.execute(MESSAGES.format(**words), account)
    await owner.execute(CALLS, account)
    await owner.execute(HANDOFFS, account, size.handoffs, size.days)
    await owner.execute(STEPS, account)
    for statement in ROLLUPS:
        await owner.execute(statement, account, *([zone] if "$2" in statement else []))
    await owner.execute(VERSION, account)


async def settle(owner: asyncpg.Connection) -> None:
    """What autovacuum does after a while: index-only scans need it."""
    for table in TABLES:
        await owner.execute(f"VACUUM (ANALYZE) {table}")
