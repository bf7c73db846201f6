"""A running server, and a machine of a member of a fresh company."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.admin.founding import create_key
from app.db.addresses import Addresses
from app.db.engine import Database
from app.transcripts.storage import storage_of
from tests.cli.push.machine import Machine
from tests.cli.terminal import Terminal
from tests.people import Company, Person
from tests.process import Running, serving, tally
from tests.server import reachable
from tests.transcripts.library import Library

SECRET = secrets.token_hex(32)


@pytest.fixture(scope="session")
def server(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = reachable(tmp_path_factory.mktemp("server"))
    data = str(folder / "data")
    with tally(folder, "serve", **serving(addresses, SECRET, TALLY_RATE_LIMIT="0", TALLY_DATA_DIR=data)) as running:
        yield running


@pytest.fixture
def library(server: Running, client: httpx.AsyncClient, database: Database, company: Company) -> Library:
    """The raw logs that the running server keeps."""
    return Library(client, database, storage_of(None, server.log.parent / "data"), company)


async def machine_of(database: Database, company: Company, person: Person, home: Path, url: str) -> Machine:
    _, key = await create_key(database, person.id, "push")
    places = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "NO_PROXY": "*"}
    terminal = Terminal(home, {**places, "TALLY_URL": url, "TALLY_API_KEY": key.text})
    return Machine(terminal, database, company, person, home)


@pytest.fixture
async def machine(server: Running, database: Database, company: Company, tmp_path: Path) -> Machine:
    return await machine_of(database, company, company.engineer, tmp_path, server.url)
