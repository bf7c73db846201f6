"""Which URL leads to the database, for whom: the application or the owner of the schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.db.embedded import Embedded
from app.settings import Settings

OWNER = "tally_owner"
APPLICATION = "tally_app"


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
    mode = parsed.query.get("sslmode")
    if mode is not None:  # as libpq, and so everybody, spells it; as our driver does
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed.set(drivername="postgresql+asyncpg")


def plain(url: URL) -> str:
    """The URL as the driver itself reads it, and as other programs write it."""
    mode = url.query.get("ssl")
    if mode is not None:
        url = url.difference_update_query(["ssl"]).update_query_dict({"sslmode": mode})
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


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
