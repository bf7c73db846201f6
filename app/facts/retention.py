"""How long facts are kept. Rollups stay for ever; what was counted and then deleted never comes in again."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.db.engine import Database, Tx
from app.facts.calendar import Calendar
from app.facts.write import ALONE, SETTINGS

# Said before anything is deleted: from here on nothing older comes in, so nothing is counted twice.
CLOSE = """
    UPDATE account_versions SET facts_from = greatest(facts_from, $2), version = version + 1
    WHERE account_id = $1 AND facts_from IS DISTINCT FROM greatest(facts_from, $2)
"""
DATED = {
    "messages": "created_at",
    "tool_calls": "occurred_at",
    "ai_session_steps": "created_at",
    "session_handoffs": "created_at",
}
# A session stays while anything of its own does.
EMPTY = " AND ".join(
    f"NOT EXISTS (SELECT FROM {table} c WHERE c.account_id = $1 AND c.session_id = f.id)" for table in DATED
)
OLD = {
    **{table: f"FROM {table} f WHERE f.account_id = $1 AND f.{dated} < $2" for table, dated in DATED.items()},
    "ai_sessions": f"FROM ai_sessions f WHERE f.account_id = $1 AND f.updated_at < $2 AND {EMPTY}",
}
# What would be left of a session if it ran: for the preview alone.
WOULD_BE_EMPTY = " AND ".join(
    f"NOT EXISTS (SELECT FROM {table} c WHERE c.account_id = $1 AND c.session_id = f.id AND c.{dated} >= $2)"
    for table, dated in DATED.items()
)
PREVIEW = {
    **OLD,
    "ai_sessions": f"FROM ai_sessions f WHERE f.account_id = $1 AND f.updated_at < $2 AND {WOULD_BE_EMPTY}",
}
BATCH = 5_000


@dataclass(frozen=True)
class Cleared:
    """Rows of one table that are gone, or would be."""

    table: str
    rows: int


def due(settings: Mapping[str, Any], calendar: Calendar, now: datetime) -> datetime | None:
    """The start of the oldest local day that the account wants kept; None where it wants all."""
    days = settings["retention_days"]
    return calendar.start(calendar.day(now) - timedelta(days=days)) if days else None


def horizon(settings: Mapping[str, Any], calendar: Calendar, now: datetime) -> datetime | None:
    """What is older does not come in.

    Never before what a retention run has already cleared, even if the account has since asked to keep more: a row
    from there may have been counted.
    """
    bounds = [bound for bound in (due(settings, calendar, now), settings["facts_from"]) if bound is not None]
    return max(bounds, default=None)


async def cutoff(database: Database, account: UUID, now: datetime | None = None) -> datetime | None:
    """What is older than this a run would delete."""
    async with database.transaction(account, read_only=True) as tx:
        settings = await tx.driver.fetchrow(SETTINGS, account)
    return due(settings, Calendar(settings["timezone"]), now or datetime.now(UTC))


async def preview(database: Database, account: UUID, now: datetime | None = None) -> list[Cleared]:
    """What a run would delete."""
    before = await cutoff(database, account, now)
    if before is None:
        return []
    async with database.transaction(account, read_only=True, snapshot=True) as tx:
        return [
            Cleared(table, await tx.driver.fetchval(f"SELECT count(*) {old}", account, before))
            for table, old in PREVIEW.items()
        ]


async def apply(database: Database, account: UUID, now: datetime | None = None) -> AsyncGenerator[Cleared, None]:
    """Delete what is older, in bounded batches, one transaction each; cut off anywhere, the next run goes on."""
    before = await cutoff(database, account, now)
    if before is None:
        return
    async with database.transaction(account) as tx:
        await tx.driver.execute(ALONE, str(account))
        await tx.driver.execute(CLOSE, account, before)
    for table, old in OLD.items():
        rows = BATCH
        while rows == BATCH:
            async with database.transaction(account) as tx:
                rows = await delete_some(tx, table, old, before)
            yield Cleared(table, rows)


async def delete_some(tx: Tx, table: str, old: str, before: datetime) -> int:
    """One batch. Chosen and deleted apart: joined, an account without statistics is planned row against row."""
    chosen = await tx.driver.fetch(f"SELECT f.id {old} LIMIT {BATCH} FOR UPDATE", tx.account, before)
    ids = [row["id"] for row in chosen]
    await tx.driver.execute(f"DELETE FROM {table} WHERE account_id = $1 AND id = ANY ($2)", tx.account, ids)
    return len(ids)
