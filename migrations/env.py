"""How every migration runs: as the owner, one at a time, with limits; `alembic` and `tally migrate` alike."""

import asyncio
import time

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.addresses import DRIVER, Addresses, BadAddress, dialled, reach
from app.db.embedded import EmbeddedError
from app.db.preflight import preflight
from app.models import Model
from app.settings import Settings
from migrations.roles import ROLES, with_password

# While a migration waits for a lock, everybody queues behind it: it waits shortly, gives way, and tries again. Less
# than the second after which PostgreSQL looks for deadlocks, so that never a request is what a deadlock kills.
LIMITS = (
    "SET lock_timeout = '800ms'",
    "SET statement_timeout = '15min'",
    "SET idle_in_transaction_session_timeout = '1min'",
)
OWNER = "SET ROLE tally_owner"
# Any number nobody else uses: of two pods that start at once one migrates and the other waits, then finds it done.
TURN = "SELECT pg_advisory_lock(7236152001)"
APPLICATION_EXISTS = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tally_app')"
GAVE_WAY = ("55P03", "40P01")
ATTEMPTS = 60
PAUSE_S = 0.5
FORBIDDEN = "42501"
NEEDED = (
    "The role of MIGRATION_DATABASE_URL may not migrate: give it the database and CREATEROLE, or make the roles "
    "tally_owner and tally_app beforehand and let it SET ROLE tally_owner."
)


def migrate() -> None:
    with context.begin_transaction():
        context.run_migrations()


def online(connection: Connection, addresses: Addresses) -> None:
    """Take the turn, make the roles, become the owner, migrate."""
    connection.execute(text(TURN))
    fresh = not connection.scalar(text(APPLICATION_EXISTS))
    # Before the limits: to wait for roles that another database's migration is just making holds nobody up.
    for line in (ROLES, *LIMITS):
        connection.exec_driver_sql(line)
    if fresh and addresses.application.username == "tally_app" and addresses.application.password:
        connection.exec_driver_sql(with_password(str(addresses.application.password)))
    connection.exec_driver_sql(OWNER)
    connection.commit()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            migrate_on(connection)
        except DBAPIError as error:
            if state_of(error) not in GAVE_WAY or attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE_S)
        else:
            return


def migrate_on(connection: Connection) -> None:
    """Revisions that are done stay done: each is a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    migrate()


def state_of(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", ""))


async def connect(addresses: Addresses) -> None:
    await preflight(addresses.owner, "MIGRATION_DATABASE_URL")  # a server too old would stop half-way
    engine = create_async_engine(
        f"{DRIVER}://", connect_args=dialled(addresses.owner), poolclass=NullPool, hide_parameters=True
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(online, addresses)
    finally:
        await engine.dispose()


def offline() -> None:
    """The same lines as SQL, for a linter or for an operator who runs them by hand."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=Model.metadata,
        transaction_per_migration=True,
        literal_binds=True,
    )
    for line in (*LIMITS, ROLES, OWNER):
        context.execute(line)
    migrate()


def from_the_environment() -> None:
    """For the plain `alembic` command, which prints a CommandError as one sentence and all else as a stack."""
    try:
        with reach(Settings()) as found:
            asyncio.run(connect(found))
    except (BadAddress, EmbeddedError) as why:
        raise CommandError(str(why)) from None
    except DBAPIError as error:
        if state_of(error) != FORBIDDEN:
            raise
        raise CommandError(NEEDED) from error


if context.is_offline_mode():
    offline()
elif "addresses" in context.config.attributes:
    asyncio.run(connect(context.config.attributes["addresses"]))
else:
    from_the_environment()
