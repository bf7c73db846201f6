"""What tests of a member's own lists share."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.db.engine import Database
from tests.factories import Logbook
from tests.people import Company, Person

Own = Callable[..., Awaitable[Any]]
Upload = Callable[[Person, str, datetime], Awaitable[None]]
UPLOADED = """
    INSERT INTO transcripts (account_id, id, user_id, name, sha256, size, source, storage_key, uploaded_at)
    VALUES ($1, $2, $3, $4, repeat('0', 64), 1, 'upload', 'x', $5)
    ON CONFLICT (account_id, user_id, name) DO UPDATE SET processed_at = NULL
"""


@pytest.fixture
def log(database: Database, company: Company) -> Logbook:
    return Logbook(database, company.id)


@pytest.fixture
def own(client: httpx.AsyncClient) -> Own:
    """What a member is told of themselves."""

    async def ask(person: Person, part: str, **given: object) -> Any:
        answer = await client.get(f"/api/v1/me/stats/{part}", headers=person.headers, params=given)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


@pytest.fixture
def upload(database: Database) -> Upload:
    """A raw log that waits to be read."""

    async def put(person: Person, name: str, at: datetime) -> None:
        async with database.transaction(person.account_id) as tx:
            await tx.driver.execute(UPLOADED, tx.account, uuid4(), person.id, name, at)

    return put
