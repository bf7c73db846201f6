"""The PostgreSQL that benchmarks run on: durable as in production, thrown away afterwards."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from app.cli.migrate import upgrade
from app.db.addresses import APPLICATION, Addresses, configured, parse
from app.db.embedded import Embedded
from app.settings import Settings

SIZES = {"shared_buffers": "512MB", "max_wal_size": "4GB", "maintenance_work_mem": "256MB"}


@contextmanager
def database() -> Iterator[Addresses]:
    """A migrated database whose `owner` is a superuser; DATABASE_URL's, with MIGRATION_DATABASE_URL, where set."""
    found = configured(Settings(_env_file=None))
    if found is not None:
        upgrade(found)
        yield found
        return
    with (
        tempfile.TemporaryDirectory(prefix="tally-bench-") as folder,
        Embedded(Path(folder), options=SIZES) as server,
    ):
        addresses = Addresses(application=parse(server.url(APPLICATION)), owner=parse(server.url("postgres")))
        upgrade(addresses)
        yield addresses


def settings_for(addresses: Addresses) -> Settings:
    return Settings(_env_file=None, **environment(addresses))  # type: ignore[arg-type]


def environment(addresses: Addresses) -> dict[str, str]:
    """What a server of this database is started with."""
    url = addresses.application.render_as_string(hide_password=False)
    return {"DATABASE_URL": url, "TALLY_JWT_SECRET": secrets.token_hex(32), "TALLY_RATE_LIMIT": "0"}


def plain(url: URL) -> str:
    """The URL as the driver itself reads it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
