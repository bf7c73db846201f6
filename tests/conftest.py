"""One migrated database a run, one fresh company a test, real HTTP shapes, real tokens; everything commits."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from app.db.addresses import Addresses
from app.db.embedded.binaries import STATE
from app.db.engine import Database
from app.main import create_app
from app.settings import Settings
from tests.everything import World
from tests.people import Company, Founder, Person
from tests.server import migrate, reachable, running, settings_for
from tests.serving import empty_database
from tests.transcripts.library import Library, library_of

# Whenever pytest starts it closes the folder that all runs of a user share. Under root the servers of other runs are
# somebody else, who is shut out from one moment to the next: so each checkout has a folder of its own.
if os.geteuid() == 0 and "PYTEST_DEBUG_TEMPROOT" not in os.environ:
    OWN = Path(tempfile.gettempdir(), f"t-{sha256(__file__.encode()).hexdigest()[:6]}")
    OWN.mkdir(exist_ok=True)
    assert OWN.owner() == "root"
    assert not OWN.is_symlink()
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(reachable(OWN))

# Folders with files that take longer than most.
LONG = {"cli", "test_promises"}


@pytest.fixture(scope="session", autouse=True)
def _reachable_base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    base = tmp_path_factory.getbasetemp()
    for folder in (base, *base.parents):
        if folder.name.startswith(("pytest-", "popen-")):
            reachable(folder)
    yield
    # Under root a data directory that PostgreSQL cannot enter has its data elsewhere, where nothing else clears up.
    left = [note for note in base.rglob("place") if note.is_file() and (STATE / note.read_text().strip()).exists()]
    for note in left:
        shutil.rmtree(STATE / note.read_text().strip(), ignore_errors=True)
    assert not left, "These data directories had their data elsewhere: make them `reachable`."


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    return reachable(tmp_path)


@pytest.fixture(scope="session")
def addresses() -> Iterator[Addresses]:
    with running() as found:
        migrate(found)
        yield found


@pytest.fixture(scope="module")
def apart(addresses: Addresses) -> Iterator[Addresses]:
    """Another migrated database, for what counts or closes connections, or acts on every account there is."""
    with empty_database(addresses) as found:
        migrate(found)
        yield found


@pytest.fixture(scope="session")
def settings(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_for(addresses, TALLY_DATA_DIR=str(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        yield client


@pytest.fixture(scope="session")
def founder(app: FastAPI) -> Founder:
    return Founder(app.state.database, app.state.door.authority)


@pytest.fixture
async def company(founder: Founder) -> Company:
    return await founder.company()


@pytest.fixture
async def other_company(founder: Founder) -> Company:
    return await founder.company("Globex")


@pytest.fixture
def world(client: httpx.AsyncClient, app: FastAPI, tmp_path: Path) -> World:
    return World(client, app.state.database, app.state.storage, tmp_path)


@pytest.fixture
def library(app: FastAPI, client: httpx.AsyncClient, company: Company) -> Library:
    return library_of(app, client, company)


@pytest.fixture
def test_user(company: Company) -> Person:
    return company.engineer


@pytest.fixture
def auth_headers(test_user: Person) -> dict[str, str]:
    return test_user.headers


@pytest.fixture
async def test_db(addresses: Addresses, test_user: Person) -> AsyncIterator[AsyncSession]:
    """A plain session, as another program would open it, of the test user's account."""
    engine = create_async_engine(addresses.application, poolclass=NullPool)
    async with AsyncSession(engine, expire_on_commit=False) as session:

        @event.listens_for(session.sync_session, "after_begin")
        def enter(_session: object, _transaction: object, connection: object) -> None:
            connection.execute(text(f"SET LOCAL app.account_id = '{test_user.account_id}'"))  # type: ignore[attr-defined]

        yield session


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, whatever the order besides: else all but one process wait for it at the end."""
    items.sort(key=lambda item: (item.path.name != "test_frontend.py", LONG.isdisjoint(item.path.parts)))
