"""Facts in: the writer with every rollup, and the API before it, against COPY of the same rows into the same table."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.db.addresses import Addresses
from app.db.engine import Database
from app.settings import Settings
from benchmarks import sending
from benchmarks.database import database, environment, plain
from benchmarks.dataset import Filled, Scale, account, settle, superuser
from benchmarks.figure import Figure, interleaved
from benchmarks.rows import A_BATCH, batches
from benchmarks.space import space, weigh
from benchmarks.writing import copy, lane, write

ROUNDS, WARM = 40, 5
STORED = 60
SMALL = 12_000
COPY = "COPY"


def measure(scale: Scale) -> list[Figure]:
    with database() as addresses:
        values = environment(addresses)
        with bench(addresses, values) as found:
            return [
                *stored(found),
                *speed(found),
                *shares(found),
                *sizes(found, scale),
                *sending.measure(found, values),
            ]


@dataclass(frozen=True)
class Bench:
    """One event loop, one pool, and a superuser for what is compared with."""

    runner: asyncio.Runner
    addresses: Addresses
    settings: Settings
    database: Database
    owner: "asyncpg.Connection[Any]"


@contextmanager
def bench(addresses: Addresses, values: dict[str, str]) -> Iterator[Bench]:
    settings = Settings(_env_file=None, **values)  # type: ignore[arg-type]
    with asyncio.Runner() as runner:
        pool = Database(addresses.application, settings)
        owner = runner.run(asyncpg.connect(plain(addresses.owner)))
        yield Bench(runner, addresses, settings, pool, owner)
        runner.run(owner.close())
        runner.run(pool.close())


def stored(found: Bench) -> list[Figure]:
    """The first thing in an empty database, so that nothing else is weighed."""
    before = found.runner.run(weigh(found.owner))
    one = found.runner.run(lane(found.database, batches(1, STORED)))
    for rows in one.waiting:
        found.runner.run(write(found.database, one, rows))
    return space(before, found.runner.run(weigh(found.owner)), STORED * A_BATCH)


def speed(found: Bench) -> list[Figure]:
    """One connection each, a thousand messages at a time."""
    run, sent = found.runner.run, batches(2, ROUNDS + WARM)
    copied, written = run(lane(found.database, sent)), run(lane(found.database, sent))
    sides = {
        COPY: lambda: A_BATCH / run(copy(found.owner, copied)),
        "writer": lambda: A_BATCH / run(write(found.database, written, written.next())),
        "replay": lambda: A_BATCH / run(write(found.database, written, written.last)),
    }
    interleaved(sides, WARM)
    rates = interleaved(sides, ROUNDS)
    return [
        Figure(COPY, rates[COPY], "events/s"),
        Figure("writer, all rollups", rates["writer"], "events/s", rates["writer"] / rates[COPY], COPY, "≥ 0.35"),
        Figure("writer, known rows again", rates["replay"], "events/s", rates["replay"] / rates[COPY], COPY, "≥ 0.80"),
    ]


def shares(found: Bench) -> list[Figure]:
    """Where the writer's time goes: each statement, from sending it to its answer, and what is left for Python."""
    one = found.runner.run(lane(found.database, batches(3, ROUNDS)))
    spent: Counter[str] = Counter()
    whole = sum(found.runner.run(write(found.database, one, rows, spent)) for rows in one.waiting)
    spent["Python, BEGIN"] = whole - sum(spent.values())  # type: ignore[assignment]
    return [
        Figure(f"  {name}", seconds / ROUNDS * 1000, "ms a thousand", seconds / whole, "writer")
        for name, seconds in spent.most_common()
    ]


def sizes(found: Bench, scale: Scale) -> list[Figure]:
    """The same batch into an account that has much, and into one that has little."""
    filled = [found.runner.run(fill(found, messages)) for messages in (scale.parts()[0][0], SMALL)]
    much, little = (found.runner.run(lane(found.database, batches(4, ROUNDS + WARM), account=one.id)) for one in filled)
    sides = {
        "much": lambda: found.runner.run(write(found.database, much, much.next())) * 1000,
        "little": lambda: found.runner.run(write(found.database, little, little.next())) * 1000,
    }
    interleaved(sides, WARM)
    took = interleaved(sides, ROUNDS)
    return [
        Figure(f"a batch, {filled[1].messages:,} messages present", took["little"], "ms"),
        Figure(
            f"a batch, {filled[0].messages:,} messages present",
            took["much"], "ms", took["much"] / took["little"], "little", "≤ 1.25",
        ),
    ]  # fmt: skip


async def fill(found: Bench, messages: int) -> Filled:
    owner = await superuser(found.addresses.owner)
    filled = await account(found.database, owner, messages)
    await owner.close()
    await settle(found.addresses.owner)
    return filled
