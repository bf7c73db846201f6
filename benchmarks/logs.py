"""Session logs to numbers: raw logs uploaded over HTTP, then read by the processors into facts, rollups and counts.

The logs are those of the parsers' benchmark; server, database and sender share the machine.
"""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx
import psutil

from app.admin.founding import add_user, create_account, create_key
from app.db.engine import Database
from app.settings import Settings
from app.transcripts.pipeline import Budget, run_processor
from app.transcripts.storage import storage_of
from benchmarks.database import database, environment
from benchmarks.dataset import Scale
from benchmarks.figure import Figure
from benchmarks.parser import MESSAGES_A_MEGABYTE, replicate
from benchmarks.server import serving
from tests.transcripts.corpus import PROVIDED, SAMPLES, Tree

AT_ONCE = 4
WHOLE = Budget(files=1_000_000, seconds=3_600)
MIB = 2**20


def measure(scale: Scale) -> list[Figure]:
    with TemporaryDirectory() as folder, database() as addresses:
        tree = Tree(Path(folder) / "logs")
        size = replicate(Tree(PROVIDED if PROVIDED.is_dir() else SAMPLES), tree, scale.messages // MESSAGES_A_MEGABYTE)
        values = environment(addresses) | {"TALLY_DATA_DIR": f"{folder}/data"}
        settings = Settings(_env_file=None, **values)  # type: ignore[arg-type]
        with serving("app.main:create_app", values) as url:
            return asyncio.run(run(settings, Database(addresses.application, settings), url, (tree, size)))


async def run(settings: Settings, pool: Database, url: str, logs: tuple[Tree, int]) -> list[Figure]:
    tree, size = logs
    account, headers = await signed_in(pool, url)
    began = time.perf_counter()
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120) as client:
        await asyncio.gather(*(upload(client, tree, start) for start in range(AT_ONCE)))
    found = [figure("raw logs uploaded", size, began)]
    for processor in ("usage", "friction"):
        began = time.perf_counter()
        storage = storage_of(None, settings.data_dir)
        details = await run_processor(pool, storage, account, processor, WHOLE)
        assert details["processed"] == len(tree.files), details
        found.append(figure(f"read by {processor}", size, began))
    await pool.close()
    return [*found, Figure("memory of the reader", psutil.Process().memory_info().rss / MIB, "MiB", aim="≤ 200 MiB")]


async def signed_in(pool: Database, url: str) -> tuple[UUID, dict[str, str]]:
    account: UUID = (await create_account(pool, "Bench"))["id"]
    user = await add_user(pool, account, "bench@example.com", "viewer")
    _, key = await create_key(pool, user["id"])
    async with httpx.AsyncClient(base_url=url) as client:
        answer = (await client.post("/api/v1/auth/token", json={"api_key": key.text})).raise_for_status()
    return account, {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def upload(client: httpx.AsyncClient, tree: Tree, start: int) -> None:
    for file in tree.files[start::AT_ONCE]:
        sent = {"params": {"name": str(file.relative_to(tree.root))}, "content": file.read_bytes()}
        (await client.post("/api/v1/transcripts", **sent)).raise_for_status()  # type: ignore[arg-type]


def figure(name: str, size: int, began: float) -> Figure:
    return Figure(name, size / (time.perf_counter() - began) / 1e6, "MB/s")
