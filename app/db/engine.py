"""The only BEGIN and COMMIT, and the only place that names the account to PostgreSQL.

BEGIN, the account and the limits travel in one message: three round trips a transaction become two (measured:
417 µs with the driver's own transaction, 313 µs so, limits included). The limits are set in each transaction, not
in the session, so that they hold behind a transaction-mode PgBouncer as well.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.db.addresses import DRIVER, OLDEST, BadAddress, dialled
from app.settings import Settings

UNNAMED = ""
# too_many_connections, as SQLSTATE: of the server, the database or the role.
FULL = "53300"
ROLE = "SELECT rolname AS name, rolsuper OR rolbypassrls AS unbound FROM pg_roles WHERE rolname = current_user"


# Whose transaction nobody's is: for what belongs to no account.
NOBODY = UUID(int=0)
# What the server may take to give up a statement that was cancelled, before its connection is thrown away.
PATIENCE_S = 2


class Unreachable(Exception):
    """No connection: the server is away, or every connection of the pool is taken."""


class Busy(Unreachable):
    """The database is well; there is no connection left for this one."""


class NotCommitted(Exception):
    """COMMIT was said in a transaction that had failed before: somebody swallowed a database error."""


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction of one account, open: what statements run on."""

    account: UUID
    connection: AsyncConnection
    driver: Any  # asyncpg's connection, for bulk writes

    async def mark(self) -> None:
        """From here on everything can be taken back."""
        await self.driver.execute("SAVEPOINT mark")

    async def take_back(self) -> None:
        """What came after the mark, which stays."""
        await self.driver.execute("ROLLBACK TO mark")


class Link(NamedTuple):
    """One connection, as SQLAlchemy sees it and as the driver does."""

    connection: AsyncConnection
    driver: Any


class Database:
    """Connections, each lent for one transaction of one account.

    They stay open between loans and checked out of SQLAlchemy all the time: its own checkout costs 0.2 ms (measured).
    """

    def __init__(self, url: URL, settings: Settings) -> None:
        self._engine = connect_lazily(url, settings)
        self._idle: list[Link] = []
        # First come, first served, and never more connections than turns.
        self._turns = asyncio.Semaphore(settings.pool_size)
        self._patience = settings.pool_timeout_s
        self._limits = "".join(f"; SET LOCAL {name} = {value}" for name, value in limits(settings).items())

    @asynccontextmanager
    async def transaction(self, account: UUID, *, read_only: bool = False, snapshot: bool = False) -> AsyncIterator[Tx]:
        """Everything inside happens for this account, and wholly or not at all.

        `snapshot`: all statements read one moment.
        """
        link = await self._borrow()
        driver, committed = link.driver, False
        try:
            await driver.execute(self._begin(account, read_only=read_only, snapshot=snapshot))
            yield Tx(account, link.connection, driver)
            committed = await self._commit(driver)
        finally:
            try:
                # Not asked: driver.is_in_transaction(). While a cancelled BEGIN is on its way it still says no.
                if not committed and not driver.is_closed():
                    await self._abandon(driver)
            finally:
                await self._give_back(link)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Link]:
        """A connection in no transaction and of no account: nothing may be run on it as it is."""
        link = await self._borrow()
        try:
            yield link
        finally:
            await self._give_back(link)

    async def _borrow(self) -> Link:
        await self._take_turn()
        try:
            return await self._pick()
        except BaseException:
            self._turns.release()
            raise

    async def _take_turn(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()  # at once: no clock is started where nobody waits
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy("all connections are busy") from None

    async def _pick(self) -> Link:
        """What was used last, or a new one. What the server closed meanwhile is dropped: no request need find out."""
        while self._idle:
            link = self._idle.pop()
            if not link.driver.is_closed():
                return link
            await drop(link)
        try:
            connection = await self._engine.connect()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
            if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == FULL:
                raise Busy("the server takes no more connections") from None
            raise Unreachable("the database is away") from None
        return Link(connection, (await connection.get_raw_connection()).driver_connection)

    async def _give_back(self, link: Link) -> None:
        try:
            if link.driver.is_closed() or link.connection.invalidated:
                await drop(link)
                return
            # What SQLAlchemy takes for its own transaction, begun by its first statement; AUTOCOMMIT makes it an idea.
            if link.connection.in_transaction():
                await link.connection.rollback()
            self._idle.append(link)
        finally:
            self._turns.release()

    def _begin(self, account: UUID, *, read_only: bool, snapshot: bool) -> str:
        isolation = "REPEATABLE READ" if snapshot else "READ COMMITTED"
        mode = f"BEGIN ISOLATION LEVEL {isolation}, {'READ ONLY' if read_only else 'READ WRITE'}"
        # The value is a UUID by type: nothing else can get into the statement.
        return f"{mode}; SET LOCAL app.account_id = '{UUID(int=account.int)}'{self._limits}"

    async def _commit(self, driver: Any) -> bool:
        """PostgreSQL answers COMMIT after a failure with ROLLBACK and no error; nobody may take that for done."""
        if await driver.execute("COMMIT") != "COMMIT":
            raise NotCommitted
        return True

    async def _abandon(self, driver: Any) -> None:
        """Roll back what was not committed; a connection that cannot is thrown away, never lent again."""
        clean = False
        try:
            async with asyncio.timeout(PATIENCE_S):
                await driver.execute("ROLLBACK")
            clean = True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            pass  # what went wrong before this is the news
        finally:
            if not clean:
                driver.terminate()

    async def ping(self) -> None:
        """Raises unless the server answers."""
        async with self.transaction(NOBODY, read_only=True):
            pass

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().connection.close()


async def drop(link: Link) -> None:
    """For a connection of no more use."""
    await link.connection.invalidate()
    await link.connection.close()


def limits(settings: Settings) -> dict[str, int | str]:
    """What every transaction carries. Plans are made for the account at hand: a generic plan fits none."""
    return {
        "statement_timeout": settings.statement_timeout_ms,
        "lock_timeout": settings.lock_timeout_ms,
        "transaction_timeout": settings.transaction_timeout_ms,
        "idle_in_transaction_session_timeout": settings.idle_timeout_ms,
    }


def connect_lazily(url: URL, settings: Settings) -> AsyncEngine:
    """An engine that leaves BEGIN and COMMIT to us (AUTOCOMMIT) and shows no values in its errors."""
    # A server that does not answer at all, not even that a limit was passed, is given up a little later.
    patience = settings.statement_timeout_ms / 1000 + PATIENCE_S
    arguments = {**dialled(url), "timeout": settings.pool_timeout_s, "command_timeout": patience}
    if not settings.prepared_statements:
        # Behind a transaction-mode pooler the next statement may meet another server: nothing may be left there.
        arguments |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: UNNAMED,
        }
    return create_async_engine(
        f"{DRIVER}://",
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args=arguments,
    )


async def inspect_server(database: Database) -> str:
    """The server's version; BadAddress where it is too old or the role would see past row-level security."""
    async with database.lend() as (_, driver):
        # Said by the server when it let us in: an old one would not even understand our BEGIN.
        version, number = driver.get_settings().server_version, driver.get_server_version()
    if number.major < OLDEST:
        raise BadAddress(f"PostgreSQL {version} is too old: Tally needs {OLDEST} or newer.")
    async with database.transaction(NOBODY, read_only=True) as tx:
        role = await tx.driver.fetchrow(ROLE)
    if role["unbound"]:
        raise BadAddress(
            f"DATABASE_URL signs in as {role['name']}, which row-level security does not bind: use the role tally_app."
        )
    return str(version)
