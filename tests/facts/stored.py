"""What the database says of an account: the same tables, in the same shape, as the oracle."""

from typing import Any
from uuid import UUID

from app.db.engine import Database
from app.facts.latency import counts_of
from tests.facts.oracle import Table

KEYS: dict[str, tuple[str, ...]] = {
    "ai_sessions": ("id",),
    "messages": ("id",),
    "tool_calls": ("id",),
    "ai_session_steps": ("id",),
    "session_handoffs": ("id",),
    "usage_days": ("day", "agent_name", "model_id", "role"),
    "member_days": ("day", "user_id", "model_id"),
    "session_days": ("day", "session_id"),
    "subject_days": ("day", "subject", "name"),
    "subject_weeks": ("day", "subject", "name"),
    "account_hours": ("hour",),
    "session_hours": ("hour", "session_id"),
}
FACTS = 5


async def stored(database: Database, account: UUID) -> dict[str, Table]:
    """Every table of facts and rollups; rows of rollups that fell to nothing are left out, as every reader does."""
    found = {}
    async with database.transaction(account, read_only=True) as tx:
        for place, (table, keys) in enumerate(KEYS.items()):
            records = await tx.driver.fetch(f"SELECT * FROM {table} WHERE account_id = $1", account)
            found[table] = dict(split(dict(record), keys) for record in records)
            if place >= FACTS:
                found[table] = {key: row for key, row in found[table].items() if any(row.values())}
    return found


def split(row: dict[str, Any], keys: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    del row["account_id"]
    if "histogram" in row:
        row["histogram"] = counts_of(row["histogram"])
    key = tuple(row.pop(name) for name in keys)
    return key[0] if keys == ("id",) else key, row


def differences(found: dict[str, Table], wanted: dict[str, Table]) -> list[str]:
    """Where they differ, in words; nothing where they do not."""
    said = []
    for table in KEYS:
        for key in found[table].keys() | wanted[table].keys():
            here, there = found[table].get(key), wanted[table].get(key)
            if here is None or there is None:
                said.append(f"{table} {key}: {'missing' if here is None else 'too many'}: {here or there}")
            else:
                names = here.keys() | there.keys()
                said += [
                    f"{table} {key} {name}: {here.get(name, '?')}, expected {there.get(name, '?')}"
                    for name in sorted(names)
                    if here.get(name, "?") != there.get(name, "?")
                ]
    return said
