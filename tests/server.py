"""The PostgreSQL that tests run on: the configured server's, in a database of their own, else an embedded one."""

import asyncio
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import URL

from app.db.addresses import Addresses, configured, parse
from app.db.embedded import Embedded
from app.settings import Settings

# A test run need not survive a power cut.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "200",
}


def reachable(folder: Path) -> Path:
    """Open for passing through.

    Under root PostgreSQL runs as somebody else; where it cannot reach the data directory, its data would live
    elsewhere and outlast the test.
    """
    folder.chmod(0o711)
    return folder


@contextmanager
def running() -> Iterator[Addresses]:
    """Addresses of an empty database; `owner` may create roles, databases and everything else."""
    given = configured(Settings(_env_file=None))
    if given is not None:
        with borrowed(given) as addresses:
            yield addresses
        return
    with tempfile.TemporaryDirectory(prefix="tally-") as folder, Embedded(Path(folder), options=FAST) as server:
        yield Addresses(application=parse(server.url("tally_app")), owner=parse(server.url("postgres")))


@contextmanager
def borrowed(given: Addresses) -> Iterator[Addresses]:
    """A database of our own on the configured server, dropped afterwards; what is configured stays untouched."""
    name = f"tally_test_{secrets.token_hex(4)}"
    administer(given.owner, f"CREATE DATABASE {name}")
    try:
        yield Addresses(application=given.application.set(database=name), owner=given.owner.set(database=name))
    finally:
        administer(given.owner, f"DROP DATABASE {name} WITH (FORCE)")


def administer(url: URL, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(plain(url))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def plain(url: URL) -> str:
    """The URL as the driver itself reads it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def settings_for(addresses: Addresses, **changes: object) -> Settings:
    """Settings that depend on nothing around the test run."""
    values = {
        "DATABASE_URL": addresses.application.render_as_string(hide_password=False),
        "MIGRATION_DATABASE_URL": addresses.owner.render_as_string(hide_password=False),
        "TALLY_JWT_SECRET": secrets.token_hex(32),
        "TALLY_LOG_FORMAT": "json",
        "TALLY_RATE_LIMIT": 0,
        # Whether somebody has built the dashboard here is all the same.
        "TALLY_DASHBOARD_DIR": "/nowhere",
    }
    return Settings(_env_file=None, **{**values, **changes})  # type: ignore[arg-type]


def migrations_of(addresses: Addresses) -> Config:
    config = Config(Path(__file__).parent.parent / "alembic.ini")
    config.attributes["addresses"] = addresses
    return config


def migrate(addresses: Addresses, revision: str = "head") -> None:
    command.upgrade(migrations_of(addresses), revision)
