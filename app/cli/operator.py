"""How a command reaches the database: DATABASE_URL, else the embedded server, whether `tally up` runs or not."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from app.db.addresses import Addresses, reach
from app.db.engine import Database, inspect_server
from app.settings import Settings

Result = TypeVar("Result")


def on_database(job: Callable[[Database], Awaitable[Result]], settings: Settings | None = None) -> Result:
    """Run one job on the database and leave nothing running that was not before."""
    settings = settings or Settings()
    with reach(settings) as addresses:
        return asyncio.run(run_on(addresses, settings, job))


async def run_on(addresses: Addresses, settings: Settings, job: Callable[[Database], Awaitable[Result]]) -> Result:
    database = Database(addresses.application, settings)
    try:
        await inspect_server(database)
        return await job(database)
    finally:
        await database.close()


def signing_secret(settings: Settings) -> str | None:
    """The configured secret, else the random one of the data directory where there is one."""
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value()
    kept = secret_file(settings.data_dir)
    return kept.read_text().strip() if kept.exists() else None


def secret_file(data_dir: Path) -> Path:
    return data_dir / "jwt-secret"


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner alone from the first byte on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
