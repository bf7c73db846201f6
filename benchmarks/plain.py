"""What reports are compared with: the plain way over the same rows and indexes, and DuckDB's scan of a copy."""

import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import duckdb

JOINED = """
    FROM messages AS m JOIN ai_sessions AS s ON s.account_id = m.account_id AND s.id = m.session_id
    WHERE s.account_id = $1 AND m.created_at >= $2 AND m.created_at < $3
"""
SUMS = """count(*), count(*) FILTER (WHERE {m}is_error),
    sum({m}input_tokens + {m}output_tokens + {m}cache_read_tokens + {m}cache_creation_tokens),
    avg({m}response_time_ms), sum({m}cost_micros)"""
TIMES = "percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY {ms})"
RESPONSES = TIMES.format(ms="m.response_time_ms")
OF_M, OF_NONE = SUMS.format(m="m."), SUMS.format(m="")
# The plain way: join messages to sessions, group; two queries where there are totals and a series.
PLAIN: Mapping[str, list[str]] = {
    "usage": [
        f"SELECT (m.created_at AT TIME ZONE 'Europe/Berlin')::date, {OF_M}, count(DISTINCT s.id) {JOINED} GROUP BY 1",
        f"SELECT {OF_M}, count(DISTINCT s.id) {JOINED}",
    ],
    "agents": [f"SELECT m.agent_name, {OF_M}, {RESPONSES} {JOINED} AND m.role = 'assistant' GROUP BY 1"],
    "models": [f"SELECT m.model_id, {OF_M}, {RESPONSES} {JOINED} AND m.model_id IS NOT NULL GROUP BY 1"],
    "users": [f"SELECT s.user_id, {OF_M}, count(DISTINCT s.id), max(m.created_at) {JOINED} GROUP BY 1"],
    "summary": [f"SELECT {OF_M} {JOINED}"],
    "tools": [
        f"""SELECT t.name, count(*), count(*) FILTER (WHERE t.is_error), avg(t.duration_ms),
            {TIMES.format(ms="t.duration_ms")}
        FROM tool_calls AS t JOIN ai_sessions AS s ON s.account_id = t.account_id AND s.id = t.session_id
        WHERE s.account_id = $1 AND t.occurred_at >= $2 AND t.occurred_at < $3 GROUP BY 1"""
    ],
}
COLUMNS = {
    "messages": """created_at, role, agent_name, model_id, user_id, session_id, is_error, response_time_ms,
        input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost_micros""",
    "tool_calls": "occurred_at, name, is_error, duration_ms",
}
SCANNED = "FROM {table} WHERE {at} >= $1 AND {at} < $2"
QUANTILES = "quantile_cont({ms}, [0.5, 0.95, 0.99])"
OF_MESSAGES = SCANNED.format(table="messages", at="created_at")
# As quick as DuckDB is asked to be: no join, no distinct.
BY_DUCKDB: Mapping[str, str] = {
    "usage": f"SELECT created_at::date, {OF_NONE} {OF_MESSAGES} GROUP BY 1",
    "agents": f"SELECT agent_name, {OF_NONE}, {QUANTILES.format(ms='response_time_ms')} {OF_MESSAGES}"
    " AND role = 'assistant' GROUP BY 1",
    "models": f"SELECT model_id, {OF_NONE}, {QUANTILES.format(ms='response_time_ms')} {OF_MESSAGES}"
    " AND model_id IS NOT NULL GROUP BY 1",
    "users": f"SELECT user_id, {OF_NONE}, epoch_us(max(created_at)) {OF_MESSAGES} GROUP BY 1",
    "summary": f"SELECT {OF_NONE} {OF_MESSAGES}",
    "tools": f"SELECT name, count(*), avg(duration_ms), {QUANTILES.format(ms='duration_ms')}"
    f" {SCANNED.format(table='tool_calls', at='occurred_at')} GROUP BY 1",
}


async def plain(owner: "asyncpg.Connection[Any]", report: str, *values: object) -> None:
    """As a superuser: without row-level security."""
    for statement in PLAIN[report]:
        await owner.fetch(statement, *values)


async def copied(owner: "asyncpg.Connection[Any]", account: UUID, folder: Path) -> duckdb.DuckDBPyConnection:
    """The account's rows in a DuckDB in memory."""
    duck = duckdb.connect()
    for table, columns in COLUMNS.items():
        buffer = io.BytesIO()
        query = f"SELECT {columns} FROM {table} WHERE account_id = $1"
        await owner.copy_from_query(query, account, output=buffer, format="csv", header=True)
        file = folder / f"{table}.csv"
        file.write_bytes(buffer.getvalue())
        duck.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{file}')")
    return duck


def scan(duck: duckdb.DuckDBPyConnection, report: str, low: datetime, high: datetime) -> None:
    duck.execute(BY_DUCKDB[report], [low, high]).fetchall()
