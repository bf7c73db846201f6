"""How a command reaches the database: DATABASE_URL, else the embedded server, whether `tally up` runs or not."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.cli.terminal import complain
from app.db.files import make_folders, open_own, read_own
from app.settings import Settings

if TYPE_CHECKING:  # `tally --help` should not wait for SQLAlchemy
    from uuid import UUID

    from app.db.addresses import Addresses
    from app.db.engine import Database

Result = TypeVar("Result")


def directory(text: str) -> Path:
    if not text.strip():
        raise typer.BadParameter("name a directory.")
    return Path(text)


DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="The embedded server's directory; default TALLY_DATA_DIR.",
        show_default=False,
        parser=directory,
        metavar="PATH",
    ),
]


def settings_with(**chosen: object) -> Settings:
    """The environment's settings, with what was said on the command line in their place."""
    try:
        settings = Settings()
    except UnicodeDecodeError:
        raise Misconfigured(".env is not UTF-8 text: save it as UTF-8.") from None
    return settings.model_copy(update={name: value for name, value in chosen.items() if value is not None})


class Misconfigured(Exception):
    """What a person said on the command line, or in `.env`, cannot be used; in one sentence."""


def has_cluster(settings: Settings) -> bool:
    try:
        return (settings.data_dir / "postgres").exists()
    except PermissionError:
        raise Misconfigured(
            f"{settings.data_dir.absolute()} is closed to this user (uid {os.geteuid()}): "
            "choose a data directory of your own."
        ) from None


@contextmanager
def found(settings: Settings) -> Iterator["Addresses"]:
    """The database that is there already: a slip of the hand must not make one."""
    from app.db.addresses import reach  # noqa: PLC0415

    if settings.database_url is None and not has_cluster(settings):
        raise Misconfigured(
            f"There is no database in {settings.data_dir.absolute()}: name the right --data-dir, set DATABASE_URL, "
            "or begin with `tally up` or `tally migrate`."
        )
    with reach(settings) as addresses:
        yield addresses


def on_database(job: Callable[["Database"], Awaitable[Result]], settings: Settings) -> Result:
    """Run one job on the database and leave nothing running that was not before."""
    with found(settings) as addresses:
        return asyncio.run(run_on(addresses, settings, job))


async def run_on(addresses: "Addresses", settings: Settings, job: Callable[["Database"], Awaitable[Result]]) -> Result:
    from app.db.engine import Database, Unreachable, inspect_server  # noqa: PLC0415
    from app.db.preflight import preflight  # noqa: PLC0415

    database = Database(addresses.application, settings)
    try:
        await inspect_server(database)
        return await job(database)
    except Unreachable:
        await preflight(addresses.application, "DATABASE_URL")  # it knows the reason
        raise
    finally:
        await database.close()


async def on_record(
    database: "Database", account: "UUID", action: str, resource: "UUID | None" = None, **parameters: object
) -> None:
    """Before work that takes many transactions: that the operator began it is on the account's record."""
    from app import audit  # noqa: PLC0415

    async with database.transaction(account) as tx:
        await audit.record_own(tx, audit.OPERATOR, action, resource, **parameters)


def inspect(addresses: "Addresses", settings: Settings) -> None:
    """Refuse a database that cannot be served from, as a sentence; one that is only away is waited for."""
    from app.admin.founding import account_ids  # noqa: PLC0415
    from app.db.preflight import Away  # noqa: PLC0415

    try:
        asyncio.run(run_on(addresses, settings, account_ids))
    except Away as away:  # a pod may be there before its database
        complain(f"{away} Going on without; it is tried again and again.")


def signing_secret(settings: Settings) -> str | None:
    """The configured secret, else the random one of the data directory where there is one."""
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value()
    kept = secret_file(settings.data_dir)
    return read_own(kept).strip() if kept.exists() else None


def secret_file(data_dir: Path) -> Path:
    return data_dir / "jwt-secret"


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner alone from the first byte on."""
    make_folders(path.parent)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(open_own(draft, os.O_WRONLY | os.O_EXCL), "w") as file:
        file.write(text)
    draft.replace(path)
