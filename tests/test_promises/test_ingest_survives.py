"""R1 and R2: a batch answered 2xx is stored exactly once, whatever dies. Kills, not power cuts: the page cache lives.

Real processes: `tally serve` on a PostgreSQL that keeps its promises (fsync on), both killed with SIGKILL.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.auth.tokens import TokenAuthority
from app.auth.trust import trusted_keys
from app.db.addresses import Addresses, parse
from app.db.embedded import Embedded
from app.db.engine import Database, Unreachable
from tests.facts.oracle import Oracle, Report, Table
from tests.facts.stored import differences, stored
from tests.people import Company, Founder
from tests.process import INHERITED, ROOT, free_port, serving
from tests.server import migrate, settings_for

CLIENTS = 16
ROWS = 12
SECONDS = 15.0
KILLS = 3  # at least
PATIENCE_S = 90.0
SECRET = "s" * 40
START = datetime(2026, 3, 7, 22, tzinfo=UTC)


@dataclass
class Api:
    """`tally serve`, and again whenever it was killed."""

    environment: dict[str, str]
    folder: Path
    port: int = field(default_factory=free_port)
    kills: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(self.port)]
        with (self.folder / "api.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**kept, "PYTHONPATH": str(ROOT), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def answering(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        async with httpx.AsyncClient() as client:
            while time.monotonic() < deadline:
                try:
                    await client.get(f"http://127.0.0.1:{self.port}/health/live")
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                else:
                    return
        raise AssertionError((self.folder / "api.log").read_text())

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Embedded]:
    with Embedded(tmp_path / "data") as server:
        yield server


@asynccontextmanager
async def deaths(api: Api, postgres: Embedded, over: asyncio.Event) -> AsyncIterator[Counter[str]]:
    """The API is killed again and again, PostgreSQL now and then, however slow they are; both are back in the end."""
    died: Counter[str] = Counter()
    until = time.monotonic() + SECONDS

    async def reap() -> None:
        chance = random.Random(7)
        while time.monotonic() < until or died["api"] < KILLS or not died["postmaster"]:
            await api.answering()
            await asyncio.sleep(0.8 + chance.random())
            if died["api"] % 3 == 1:
                died["postmaster"] += 1
                os.kill(postgres.pid, signal.SIGKILL)
                await asyncio.sleep(chance.random() / 2)
            died["api"] += 1
            await asyncio.to_thread(api.kill)
            api.start()
        over.set()

    task = asyncio.create_task(reap())
    yield died
    await task


@dataclass
class Sender:
    """Sends batch after batch, each under a key of its own, each until it is answered 2xx."""

    url: str
    company: Company
    number: int
    sent: list[dict[str, list[dict[str, Any]]]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def batch(self) -> dict[str, list[dict[str, Any]]]:
        """New messages of sessions that four clients share, and a global id that everybody reports."""
        place = len(self.sent)
        session, at = f"s{self.number % 4}", START + timedelta(minutes=7 * place)
        own = {"session_id": session, "created_at": at.isoformat(), "role": "assistant", "model_id": "gpt-4o"}
        rows = [
            {**own, "id": f"{self.number}-{place}-{n}", "input_tokens": n, "response_time_ms": 100 * n}
            for n in range(ROWS)
        ]
        shared = {**own, "id": "x", "global_id": f"g{place}", "output_tokens": self.number}
        call = {"session_id": session, "id": rows[0]["id"], "name": "t", "started_at": at.isoformat()}
        return {"messages": [*rows, shared], "tool_calls": [call]}

    async def run(self, over: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            while not over.is_set():
                batch = self.batch()
                await self.deliver(client, json.dumps(batch).encode())
                self.sent.append(batch)

    async def deliver(self, client: httpx.AsyncClient, content: bytes) -> None:
        """Returns once it is acknowledged."""
        key = f"{self.number}-{len(self.sent)}"
        named = {**self.company.admin.headers, "Idempotency-Key": key, "Content-Type": "application/json"}
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = await client.post("/api/v1/ingest/batches", content=content, headers=named)
            except httpx.TransportError:
                self.seen["cut"] += 1
            else:
                if answer.status_code == 200:
                    self.seen["replayed" if "idempotent-replayed" in answer.headers else "done"] += 1
                    return
                assert answer.status_code in {409, 503}, answer.text
                self.seen[str(answer.status_code)] += 1
            await asyncio.sleep(0.1)
        raise AssertionError("never acknowledged")


@pytest.mark.timeout(300)
async def test_what_is_acknowledged_is_there_once_whatever_was_killed(postgres: Embedded, tmp_path: Path) -> None:
    addresses = Addresses(application=parse(postgres.url("tally_app")), owner=parse(postgres.url("postgres")))
    await asyncio.to_thread(migrate, addresses)
    settings = settings_for(addresses, TALLY_JWT_SECRET=SECRET)
    database = Database(addresses.application, settings)
    company = await Founder(database, TokenAuthority(trusted_keys(settings))).company()
    api = Api(serving(addresses, SECRET, TALLY_RATE_LIMIT="0"), tmp_path)
    senders = [Sender(f"http://127.0.0.1:{api.port}", company, number) for number in range(CLIENTS)]
    api.start()
    try:
        over = asyncio.Event()
        async with deaths(api, postgres, over) as died:
            await asyncio.gather(*(sender.run(over) for sender in senders))
    finally:
        api.kill()
    seen = sum((sender.seen for sender in senders), Counter[str]())
    sys.stderr.write(f"killed {dict(died)}, answers {dict(seen)}\n")
    assert seen["done"] >= CLIENTS
    found = await once_back(database, company)
    await database.close()
    for call in found["tool_calls"].values():
        call["received_at"] = START  # when it came, only the server knows
    assert differences(found, expected(company, senders)) == []


async def once_back(database: Database, company: Company) -> dict[str, Table]:
    """PostgreSQL may just be recovering from the last kill."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await stored(database, company.id)
        except Unreachable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


def expected(company: Company, senders: list[Sender]) -> dict[str, Table]:
    """Of everything that was acknowledged, and of nothing else."""
    reports = [
        Report(kind, row, company.admin.id, START)
        for sender in senders
        for batch in sender.sent
        for kind, rows in batch.items()
        for row in rows
    ]
    return Oracle(company.id, "UTC", {}, reports).answer()
