"""Facts in over HTTP: two clients, one uvicorn worker, batches of a thousand; its memory meanwhile."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import orjson
import psutil

from app.auth.tokens import TokenAuthority
from app.auth.trust import trusted_keys
from benchmarks.figure import Figure, interleaved
from benchmarks.rows import A_BATCH, Batch, batches
from benchmarks.server import serving
from benchmarks.writing import copy, lane

if TYPE_CHECKING:
    from benchmarks.ingest import Bench

ROUNDS, WARM, A_ROUND, CLIENTS = 10, 2, 4, 2
FLOOD, FLOOD_CLIENTS = 10, 8
MIB = 2**20
COPY = "COPY"


def measure(found: "Bench", values: dict[str, str]) -> list[Figure]:
    run, number = found.runner.run, (ROUNDS + WARM) * A_ROUND
    copied, sender = run(lane(found.database, batches(5, number))), run(lane(found.database, []))
    token = TokenAuthority(trusted_keys(found.settings)).issue(sender.user, sender.account)
    fresh = parts([encoded([batch]) for batch in batches(6, number)])
    known: list[bytes] = []
    with serving("app.main:create_app", values) as url, watched(url) as seen:
        client = httpx.AsyncClient(base_url=url, headers=headers(token), timeout=60)

        def send() -> float:
            known[:] = next(fresh)
            return A_ROUND * A_BATCH / run(post(client, known, CLIENTS))

        sides = {
            COPY: lambda: A_ROUND * A_BATCH / sum(run(copy(found.owner, copied)) for _ in range(A_ROUND)),
            "fresh": send,
            "known": lambda: A_ROUND * A_BATCH / run(post(client, known, CLIENTS)),
        }
        interleaved(sides, WARM)
        rates = interleaved(sides, ROUNDS)
        usual = seen[0]
        run(post(client, [encoded(batches(7, FLOOD))] * FLOOD_CLIENTS, FLOOD_CLIENTS))
        run(client.aclose())
    return [
        Figure("over HTTP, two clients", rates["fresh"], "events/s", rates["fresh"] / rates[COPY], COPY, "≥ 0.20"),
        Figure("over HTTP, known rows again", rates["known"], "events/s", rates["known"] / rates[COPY], COPY),
        Figure("memory of the API, batches of 1,000", usual / MIB, "MiB", aim="≤ 250"),
        Figure(f"memory of the API, {FLOOD_CLIENTS} calls of 10,000 rows at once", seen[0] / MIB, "MiB", aim="≤ 250"),
    ]


def headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def encoded(together: list[Batch]) -> bytes:
    """Messages alone, so that ten thousand of them are one call; their sessions come as stubs with the first."""
    return orjson.dumps({"messages": [row for batch in together for row in batch["messages"]]})


def parts(bodies: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(bodies), A_ROUND):
        yield bodies[start : start + A_ROUND]


async def post(client: httpx.AsyncClient, bodies: list[bytes], clients: int) -> float:
    waiting = iter(bodies)

    async def one() -> None:
        for body in waiting:
            answer = await client.post("/api/v1/ingest/batches", content=body)
            if answer.status_code not in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE):
                raise RuntimeError(answer.text)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return time.perf_counter() - began


@contextmanager
def watched(url: str) -> Iterator[list[int]]:
    """The most resident memory the serving process has had so far."""
    port, seen, done = int(url.rpartition(":")[2]), [0], threading.Event()
    process = next(child for child in psutil.Process().children() if f"{port}" in child.cmdline())

    def watch() -> None:
        while not done.wait(0.02):
            seen[0] = max(seen[0], process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
