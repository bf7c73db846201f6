"""Which URL leads to the database, for whom: the application or the owner of the schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.db.embedded import Embedded
from app.settings import Settings

OWNER = "tally_owner"
APPLICATION = "tally_app"
OLDEST = 18
DRIVER = "postgresql+asyncpg"
MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# What libpq reads for itself and our driver would hand to the server, which refuses what it does not know. None of
# them promises anything that we would not keep.
LEFT_OUT = (
    "connect_timeout", "fallback_application_name", "gssencmode", "keepalives", "keepalives_count", "keepalives_idle",
    "keepalives_interval", "load_balance_hosts", "sslcompression", "sslsni", "tcp_user_timeout",
)  # fmt: skip


class BadAddress(Exception):
    """A database URL that cannot be used, in one sentence without the URL, which may hold a password."""


@dataclass(frozen=True)
class Addresses:
    application: URL
    owner: URL


def parse(url: str) -> URL:
    """The URL for our one driver, whichever spelling of the scheme came in."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend not in ("postgresql", "postgres"):
        raise BadAddress("DATABASE_URL is no PostgreSQL URL: write postgresql://tally_app:password@host/tally.")
    spelled = dict(parsed.query)
    mode = spelled.pop("ssl", None)  # as SQLAlchemy's users know it
    if mode is not None:
        spelled.setdefault("sslmode", mode)
    if spelled.get("sslmode", "prefer") not in MODES:
        raise BadAddress(f"The sslmode of DATABASE_URL is none: write one of {', '.join(MODES)}.")
    kept = {name: value for name, value in spelled.items() if name not in LEFT_OUT}
    return parsed.set(drivername=DRIVER, query=kept)


def plain(url: URL) -> str:
    """The URL as the driver itself reads it, and as other programs write it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def dialled(url: URL) -> dict[str, Any]:
    """SQLAlchemy's connect_args for an engine of `DRIVER://`: our driver reads the URL by itself.

    Handed on as arguments, `sslrootcert`, `application_name` and the like would be none that it takes.
    """
    return {"async_creator_fn": partial(asyncpg.connect, plain(url))}


def configured(settings: Settings) -> Addresses | None:
    """What the environment says; None where it leaves the database to us."""
    if settings.database_url is None:
        return None
    application = parse(settings.database_url.get_secret_value())
    migration = settings.migration_database_url
    # Where nobody said otherwise: the same server and password, as the owner.
    owner = parse(migration.get_secret_value()) if migration else application.set(username=OWNER)
    return Addresses(application=application, owner=owner)


def of_embedded(server: Embedded) -> Addresses:
    return Addresses(application=parse(server.url(APPLICATION)), owner=parse(server.url(OWNER)))


@contextmanager
def reach(settings: Settings) -> Iterator[Addresses]:
    """The configured server, else the embedded one: shared when it runs, started for the while when not."""
    found = configured(settings)
    if found is not None:
        yield found
        return
    with Embedded(settings.data_dir).attach() as server:
        yield of_embedded(server)
