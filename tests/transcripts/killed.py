"""`python -m tests.transcripts.killed ACCOUNT STEP`: passes of the processors, killed with -9 at that step.

Steps are what outlasts a process: just before and just after each COMMIT and each file that is deleted.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg

from app.db.addresses import configured
from app.db.engine import Database
from app.settings import Settings
from app.transcripts.pipeline import Budget, run_processor
from app.transcripts.storage import Folder, storage_of


def die_at(step: int) -> Callable[[], None]:
    seen = 0

    def reach() -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach


def around(work: Callable[..., Awaitable[Any]], reach: Callable[[], None], word: str) -> Callable[..., Awaitable[Any]]:
    async def watched(self: Any, first: str, *more: Any, **named: Any) -> Any:
        if word in ("", first):
            reach()
        result = await work(self, first, *more, **named)
        if word in ("", first):
            reach()
        return result

    return watched


async def main(account: UUID, step: int) -> None:
    reach = die_at(step)
    for kind, name, word in ((asyncpg.Connection, "execute", "COMMIT"), (Folder, "delete", "")):
        setattr(kind, name, around(getattr(kind, name), reach, word))
    settings = Settings(_env_file=None)
    found = configured(settings)
    assert found is not None
    database = Database(found.application, settings)
    storage = storage_of(settings.transcripts_url, settings.data_dir)
    for name in ("usage", "friction"):
        await run_processor(database, storage, account, name, Budget())
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(UUID(sys.argv[1]), int(sys.argv[2])))
