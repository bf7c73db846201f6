"""Pricing anew: after prices were learnt or mended, messages of a span are charged what they should have been."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.facts.calendar import Calendar
from app.facts.deltas import COUNTED, Deltas
from app.facts.prices import VERSION, PriceBook, Tokens
from app.facts.write import enter, settle

AFTER = """
    SELECT id, created_at, provider, model_id, cost_micros,
        input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens,
        coalesce(cache_creation_1h_tokens, 0) AS for_an_hour
    FROM messages WHERE account_id = $1 AND (created_at, id) > ($2, $3) AND created_at < $4
    ORDER BY created_at, id LIMIT $5 FOR NO KEY UPDATE
"""
CHARGE = f"""
    UPDATE messages AS f SET cost_micros = t.cost, price_version = CASE WHEN t.cost <> 0 THEN $4 END
    FROM unnest($2::uuid[], $3::bigint[]) AS t (id, cost) WHERE f.account_id = $1 AND f.id = t.id
    RETURNING {", ".join(f"old.{name} AS old_{name}, new.{name} AS new_{name}" for name in COUNTED)}
"""
BATCH = 2_000
FIRST = UUID(int=0)


async def reprice(
    database: Database, account: UUID, since: datetime, until: datetime, book: PriceBook
) -> AsyncIterator[tuple[datetime, int]]:
    """How far it has come, and how many prices changed there."""
    place: tuple[datetime, UUID] | None = (since, FIRST)
    while place is not None:
        begun = place

        async def work(tx: Tx, begun: tuple[datetime, UUID] = begun) -> tuple[tuple[datetime, UUID] | None, int]:
            return await some(tx, begun, until, book)

        place, changed = await attempt(database, account, work)
        yield place[0] if place else until, changed


async def some(
    tx: Tx, begun: tuple[datetime, UUID], until: datetime, book: PriceBook
) -> tuple[tuple[datetime, UUID] | None, int]:
    """One batch: where the next begins, and how many messages have another price now."""
    settings = await enter(tx)
    rows = await tx.driver.fetch(AFTER, tx.account, *begun, until, BATCH)
    prices = {row["id"]: price(row, book) for row in rows}
    changed = {row["id"]: prices[row["id"]] for row in rows if prices[row["id"]] != row["cost_micros"]}
    if changed:
        deltas = Deltas(Calendar(settings["timezone"]))
        for row in await tx.driver.fetch(CHARGE, tx.account, [*changed], [*changed.values()], VERSION):
            deltas.message(-1, row[0::2])
            deltas.message(+1, row[1::2])
        await settle(tx, deltas, datetime.now(UTC))
    last = (rows[-1]["created_at"], rows[-1]["id"]) if len(rows) == BATCH else None
    return last, len(changed)


def price(row: Any, book: PriceBook) -> int | None:
    tokens = Tokens(*row[-5:])
    return book.micros(row["provider"], row["model_id"], row["created_at"], tokens)
