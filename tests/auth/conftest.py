"""What the tests of keys share."""

from collections.abc import AsyncIterator

import pytest

from tests.auth.key_server import KeyServer, key_server


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    async with key_server() as keys:
        yield keys
