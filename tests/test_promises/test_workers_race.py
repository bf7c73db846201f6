"""Two workers, a server and those who ask it for passes, all real processes: each log is read once, whoever dies."""

import asyncio
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db.addresses import Addresses
from tests.process import PATIENCE, ROOT, tally
from tests.process import serving as environment_of
from tests.serving import serving
from tests.test_promises.test_session_logs import call, stopped
from tests.transcripts.corpus import SAMPLES, Tree
from tests.transcripts.library import Library, called, library_of
from tests.transcripts.test_growing import counted
from tests.transcripts.test_pipeline import expected

RUN = "/api/v1/admin/run-session-processor"
PROCESSORS = "/api/v1/admin/processors"
SMALL = 150
# As if the time of a lease had passed: who holds one still is heard before that.
SILENT = "UPDATE job_leases SET expires_at = now() WHERE account_id = $1 AND holder IS NOT NULL"
# What was killed has no end.
RUNS = """
    SELECT job, began_at, began_at + coalesce(duration_ms, 0) * interval '1 ms' AS ended_at, outcome FROM job_runs
    WHERE account_id = $1 AND job LIKE 'process:%' ORDER BY job, began_at
"""
HELD = "SELECT count(*) FROM job_leases WHERE account_id = $1 AND holder IS NOT NULL"


@dataclass(frozen=True)
class Scene:
    """`raced`: the logs that all of them go for; `once`: the same logs, read by one alone."""

    url: str
    environment: Mapping[str, str]
    folder: Path
    raced: Library
    once: Library

    @contextmanager
    def worker(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        log = self.folder / name
        with log.open("wb") as out:
            command = [sys.executable, "-m", "app.cli", "worker"]
            process = subprocess.Popen(command, cwd=ROOT, env=dict(self.environment), stdout=out, stderr=out)
        deadline = time.monotonic() + PATIENCE
        while b'"event":"working"' not in log.read_bytes() and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    async def ask(self, processor: str, over: asyncio.Event) -> list[int]:
        """For a pass, again and again: how many logs each read, -1 where somebody else was at it."""
        found: list[int] = []
        headers, params = self.raced.company.admin.headers, {"processor": processor}
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            while not over.is_set():
                answer = await client.post(RUN, params=params, headers=headers)
                assert answer.status_code in (200, 409), answer.text
                found.append(answer.json()["details"]["processed"] if answer.is_success else -1)
                await asyncio.sleep(0.05)
        return found

    async def until_nothing_waits(self) -> None:
        deadline, headers = time.monotonic() + PATIENCE, self.raced.company.admin.headers
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            while True:
                shown: Any = (await client.get(PROCESSORS, headers=headers)).raise_for_status().json()
                if not any(one["backlog"] or one["running"] for one in shown["processors"]):
                    return
                assert time.monotonic() < deadline, shown
                await asyncio.sleep(0.1)


@pytest.fixture
async def scene(apart: Addresses, tmp_path: Path) -> AsyncIterator[Scene]:
    secret, data = secrets.token_hex(32), tmp_path / "data"
    environment = environment_of(apart, secret, TALLY_DATA_DIR=str(data), TALLY_RATE_LIMIT="0", PYTHONPATH=str(ROOT))
    async with serving(apart, TALLY_DATA_DIR=data, TALLY_JWT_SECRET=secret) as api:
        raced, once = [library_of(api.app, api.client, await api.founder.company(name)) for name in ("Raced", "Once")]
        with tally(tmp_path, "serve", **environment) as served:
            yield Scene(served.url, environment, tmp_path, raced, once)


async def bring(library: Library) -> None:
    tree = Tree(SAMPLES)
    for file in tree.files:
        await library.upload(called(tree.root, file), file.read_bytes())
    await library.upload("long", b"".join(call(n) + stopped(n) for n in range(8_000)))
    for n in range(SMALL):
        await library.upload(f"{n}.jsonl", call(n).replace(b'"s"', b'"s%d"' % n).replace(b"request", b"small"))


async def test_two_workers_and_who_asks_for_passes_read_each_log_once_though_one_is_killed(scene: Scene) -> None:
    await asyncio.gather(bring(scene.raced), bring(scene.once))
    await scene.once.process()
    over = asyncio.Event()
    with scene.worker("one") as one, scene.worker("two") as two:
        asking = [asyncio.create_task(scene.ask(name, over)) for name in ("usage", "friction")]
        await asyncio.sleep(1)
        one.kill()
        await scene.raced.execute(SILENT)
        await scene.until_nothing_waits()
        two.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(two.wait, PATIENCE) == 0
    over.set()
    asked = await asyncio.gather(*asking)
    assert all(max(found) >= 0 for found in asked)
    assert await counted(scene.raced) == await counted(scene.once)
    assert expected(Tree(SAMPLES)).items() <= (await scene.raced.totals()).items()
    runs = await scene.raced.rows(RUNS)
    assert {row["job"] for row in runs} == {"process:usage", "process:friction"}
    apart = [(a, b) for a, b in pairwise(runs) if a["job"] == b["job"]]
    assert all(a["ended_at"] <= b["began_at"] for a, b in apart), runs
    assert await scene.raced.rows(HELD) == [{"count": 0}]
