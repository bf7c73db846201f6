"""What tests of reports share: an account's logbook, and a reader who asks as a front end would."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.db.engine import Database
from tests.factories import Logbook
from tests.people import Company

Read = Callable[..., Awaitable[Any]]


@pytest.fixture
def log(database: Database, company: Company) -> Logbook:
    return Logbook(database, company.id)


@pytest.fixture
def read(client: httpx.AsyncClient, auth_headers: dict[str, str]) -> Read:
    """What the engineer is answered, by the last word of the address and parameters."""

    async def ask(report: str, headers: dict[str, str] = auth_headers, **parameters: object) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        answer = await client.get(f"/api/v1/analytics/{report}", headers=headers, params=given)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask
