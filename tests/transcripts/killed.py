"""Passes of the processors, or an upload, that kill themselves at a step: for `tests.dying`.

Steps are what outlasts a process: just before and just after each COMMIT and each file that is kept or deleted.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from app.db.addresses import configured
from app.db.engine import Database
from app.main import create_app
from app.settings import Settings
from app.transcripts.pipeline import Budget, run_processor
from app.transcripts.storage import Folder, storage_of
from tests.dying import around, die_at


async def passes(settings: Settings, account: str) -> None:
    found = configured(settings)
    assert found is not None
    database = Database(found.application, settings)
    storage = storage_of(settings.transcripts_url, settings.data_dir)
    for name in ("usage", "friction"):
        await run_processor(database, storage, UUID(account), name, Budget())
    await database.close()


async def upload(settings: Settings, token: str, file: str) -> None:
    app, log = create_app(settings), Path(file).read_bytes()  # noqa: ASYNC240 - nobody else waits
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tally") as client,
    ):
        answer = await client.post("/api/v1/transcripts", params={"name": "a"}, content=log, headers=headers)
        answer.raise_for_status()


WAYS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"passes": passes, "upload": upload}


def run(step: str, way: str, *given: str) -> None:
    reach = die_at(int(step))
    for kind, name, word in ((asyncpg.Connection, "execute", "COMMIT"), (Folder, "delete", ""), (Folder, "keep", "")):
        setattr(kind, name, around(getattr(kind, name), reach, word))
    asyncio.run(WAYS[way](Settings(_env_file=None), *given))
