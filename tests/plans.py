"""Statements as they ran, and the plans PostgreSQL makes of them: for the values at hand, and for any."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from app.db.engine import Tx


@dataclass(frozen=True)
class Run:
    """A statement as a report ran it."""

    sql: str
    values: list[object]


def noting(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Every statement that asks something of the driver from now on, with its values."""
    found: list[Run] = []
    for name in ("fetch", "fetchrow", "fetchval"):
        original = getattr(asyncpg.Connection, name)

        async def remembered(self: object, sql: str, *values: object, original: Any = original, **more: object) -> Any:
            found.append(Run(sql, list(values)))
            return await original(self, sql, *values, **more)

        monkeypatch.setattr(asyncpg.Connection, name, remembered)
    return found


async def made_for(driver: Any, run: Run) -> Any:
    """The plan for these values, run."""
    (row,) = await driver.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {run.sql}", *run.values)
    plan: Any = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    return plan[0]["Plan"]


async def generic(tx: Tx, run: Run) -> Any:
    """The plan for any values, run with these."""
    await tx.driver.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    await tx.driver.execute(f"PREPARE this AS {run.sql}")
    (row,) = await tx.driver.fetch(
        f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE this ({', '.join(map(literal, run.values))})"
    )
    await tx.driver.execute("DEALLOCATE this; SET LOCAL plan_cache_mode = auto")
    return row[0][0]["Plan"]


def literal(value: object) -> str:
    """As SQL; PostgreSQL knows the type."""
    if isinstance(value, list | tuple):
        return "'{" + ",".join("NULL" if part is None else f'"{part}"' for part in value) + "}'"
    return f"'{value}'"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
