"""An API of one's own: on the run's database or on a fresh one, with other settings, with a route to misbehave on."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg
import httpx
from fastapi import FastAPI

from app.db.addresses import Addresses
from app.db.engine import Database
from app.main import create_app
from tests.people import Founder
from tests.server import administer, plain, settings_for


@dataclass(frozen=True)
class Api:
    app: FastAPI
    client: httpx.AsyncClient
    founder: Founder

    @property
    def database(self) -> Database:
        return self.founder.database


@asynccontextmanager
async def serving(addresses: Addresses, **changes: object) -> AsyncIterator[Api]:
    app = create_app(settings_for(addresses, **changes))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tally", timeout=60) as client,
    ):
        yield Api(app, client, Founder(app.state.database, app.state.door.authority))


@asynccontextmanager
async def pool(addresses: Addresses, **changes: object) -> AsyncIterator[Database]:
    database = Database(addresses.application, settings_for(addresses, **changes))
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def all_lent(database: Database, size: int) -> AsyncIterator[None]:
    """Every connection is taken meanwhile: a request that asks for one is a 503."""
    async with AsyncExitStack() as held:
        for _ in range(size):
            await held.enter_async_context(database.lend())
        yield


@contextmanager
def empty_database(addresses: Addresses) -> Iterator[Addresses]:
    """Another database of the same server, for what would disturb the others."""
    name = f"tally_scratch_{secrets.token_hex(4)}"
    administer(addresses.owner, f"CREATE DATABASE {name}")
    try:
        yield Addresses(application=addresses.application.set(database=name), owner=addresses.owner.set(database=name))
    finally:
        administer(addresses.owner, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def operator(addresses: Addresses) -> AsyncIterator[asyncpg.Connection]:
    """The owner's own connection."""
    connection = await asyncpg.connect(plain(addresses.owner))
    try:
        yield connection
    finally:
        await connection.close()
