"""A storm on the pool: many transactions of many accounts at once, about half of them cancelled at any moment."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from app.db.engine import Database, Tx
from app.db.ids import new_id
from app.models.audit_log import AuditLog
from app.models.user import User

# On purpose without a predicate: row-level security alone answers.
SEEN = "SELECT DISTINCT account_id FROM users"
ENTERED = "SELECT current_setting('app.account_id') AS account, pg_current_xact_id_if_assigned() AS writing"


@dataclass
class Weather:
    """What a storm left behind."""

    foreign: list[str] = field(default_factory=list)
    finished: set[UUID] = field(default_factory=set)
    cancelled: set[UUID] = field(default_factory=set)
    failed: list[BaseException] = field(default_factory=list)


async def visit(tx: Tx, mark: UUID, weather: Weather, chance: random.Random) -> None:
    """Look around by both ways to the driver, and write two rows that must come or stay away together."""
    row = await tx.driver.fetchrow(ENTERED)
    if row["account"] != str(tx.account) or row["writing"] is not None:
        weather.foreign.append(f"entered {tx.account}, found {dict(row)}")
    for _ in range(2):
        await tx.driver.execute("SELECT pg_sleep($1)", chance.random() / 200)
        values = {"account_id": tx.account, "id": new_id(), "action": "storm", "result": "done", "client_kind": "api"}
        await tx.connection.execute(insert(AuditLog).values(**values, request_id=str(mark)))
    direct = {row["account_id"] for row in await tx.driver.fetch(SEEN)}
    core = set((await tx.connection.execute(select(User.account_id))).scalars())
    if direct | core != {tx.account}:
        weather.foreign.append(f"of {tx.account}, seen {direct | core}")


async def rage(databases: Sequence[Database], accounts: Sequence[UUID], tasks: int, seed: int) -> Weather:
    chance = random.Random(seed)
    weather = Weather()

    async def one(mark: UUID) -> None:
        async with chance.choice(databases).transaction(chance.choice(accounts)) as tx:
            await visit(tx, mark, weather, chance)

    async def lightning(mark: UUID) -> None:
        task = asyncio.create_task(one(mark))
        if chance.random() < 0.5:
            # Early moments often: BEGIN is on its way then.
            await asyncio.sleep(chance.choice((0.0, 0.002, 0.02, 0.1)) * chance.random())
            task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            weather.cancelled.add(mark)
        elif (error := task.exception()) is not None:
            weather.failed.append(error)
        else:
            weather.finished.add(mark)

    gate = asyncio.Semaphore(20)

    async def queued() -> None:
        async with gate:
            await lightning(uuid4())

    await asyncio.gather(*(queued() for _ in range(tasks)))
    return weather


async def written(database: Database, accounts: Sequence[UUID]) -> dict[UUID, int]:
    """How many rows each visit left."""
    found: dict[UUID, int] = {}
    for account in accounts:
        async with database.transaction(account, read_only=True) as tx:
            chosen = select(AuditLog.request_id).where(AuditLog.account_id == account, AuditLog.action == "storm")
            for mark in (await tx.connection.execute(chosen)).scalars():
                found[UUID(mark)] = found.get(UUID(mark), 0) + 1
    return found
