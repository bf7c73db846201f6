"""What facts weigh on disk: their tables, their indexes, and the rollups beside them."""

from typing import Any

import asyncpg

from benchmarks.figure import Figure

# Everything that grows with facts; what an empty table weighs is not theirs.
SIZES = """
    SELECT t.relname AS table, c.relname AS name, pg_relation_size(c.oid) AS bytes
    FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname = 'public'
    JOIN pg_class AS c ON c.oid = t.oid OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = t.oid)
        OR c.oid = t.reltoastrelid
    WHERE t.relkind = 'r'
"""
SHOWN = 0.5


async def weigh(owner: "asyncpg.Connection[Any]") -> dict[str, int]:
    """Bytes of each table and index after a plain VACUUM."""
    await owner.execute("VACUUM")
    return {row["name"]: row["bytes"] for row in await owner.fetch(SIZES)}


def space(before: dict[str, int], after: dict[str, int], events: int) -> list[Figure]:
    """Bytes an event: all of it, then each table and index that takes more than next to nothing."""
    grown = {name: (after[name] - before.get(name, 0)) / events for name in after}
    parts = sorted(((name, each) for name, each in grown.items() if each >= SHOWN), key=lambda part: -part[1])
    whole = sum(grown.values())
    return [
        Figure("stored, indexes and rollups included", whole, "bytes an event", aim="< 491"),
        *(Figure(f"  {name}", each, "bytes an event", each / whole, "all") for name, each in parts),
    ]
