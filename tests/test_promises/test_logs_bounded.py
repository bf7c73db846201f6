"""R10 for session logs: however large and however packed, memory stays bounded and others are served."""

import asyncio
import gzip
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import zstandard

from app.db.addresses import Addresses
from app.settings import Settings
from tests.people import Company
from tests.process import Running, serving, tally
from tests.test_promises.test_session_logs import call

MIB = 2**20
LIMIT = 50 * MIB
MOST_MEMORY = 250 * MIB
FROZEN_S = 3.0
URL = "/api/v1/transcripts"


def full_log() -> bytes:
    line = call(1, text="x" * 20_000)
    return (line * (LIMIT // len(line) + 1))[:LIMIT]


def sent(n: int, log: bytes) -> dict[str, Any]:
    """A log at the limit by each way in, and bombs."""
    name = {"params": {"name": f"{n}.jsonl"}}
    ways: list[dict[str, Any]] = [
        {**name, "content": log},
        {**name, "content": gzip.compress(log, 1), "headers": {"Content-Encoding": "gzip"}},
        {"files": {"file": (f"{n}.jsonl", log)}},
        {**name, "content": zstandard.compress(b"\0" * 400 * MIB), "headers": {"Content-Encoding": "zstd"}},
    ]
    return ways[n % len(ways)]


@pytest.fixture
def served(addresses: Addresses, settings: Settings, tmp_path: Path) -> Iterator[Running]:
    assert settings.jwt_secret is not None
    environment = serving(addresses, settings.jwt_secret.get_secret_value(), TALLY_RATE_LIMIT="0")
    with tally(tmp_path, "serve", **environment, TALLY_DATA_DIR=str(tmp_path / "data")) as running:
        yield running


@dataclass
class Watch:
    """Looks at the server from a thread of its own: what the uploads cost the test is not the server's."""

    running: Running
    over: threading.Event = field(default_factory=threading.Event)
    peak: int = 0
    slowest: float = 0.0
    asked: int = 0

    def look(self) -> None:
        server = psutil.Process(self.running.process.pid)
        with httpx.Client(base_url=self.running.url, timeout=60) as client:
            while not self.over.is_set():
                began = time.monotonic()
                assert client.get("/health/live").status_code == 200
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.peak = max(self.peak, server.memory_info().rss)
                self.asked += 1
                time.sleep(0.02)


async def test_eight_of_the_largest_logs_at_once_stay_within_memory_and_let_others_through(
    served: Running, company: Company
) -> None:
    log = full_log()
    uploads, watch = [sent(n, log) for n in range(8)], Watch(served)
    statuses: list[int] = []

    def upload(given: dict[str, Any]) -> None:
        headers = {**company.viewer.headers, **given.pop("headers", {})}
        statuses.append(httpx.post(served.url + URL, headers=headers, timeout=110, **given).status_code)

    looking, began = asyncio.create_task(asyncio.to_thread(watch.look)), time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(upload, given) for given in uploads))
    took = time.monotonic() - began
    watch.over.set()
    await looking
    seen = f"{watch.peak // MIB} MiB, slowest of {watch.asked} other answers {watch.slowest:.2f} s, {took:.1f} s in all"
    sys.stderr.write(f"{seen}, {sorted(statuses)}\n")
    assert sorted(set(statuses)) in ([201, 413], [201, 413, 503]), seen
    assert statuses.count(413) <= 2
    assert watch.peak < MOST_MEMORY, seen
    assert watch.slowest < FROZEN_S, seen
