"""Statistics, as autovacuum would make them: without, sums of one account read the rows of every test before."""

import pytest

from app.db.addresses import Addresses
from tests.server import administer


@pytest.fixture(scope="module", autouse=True)
def _analyzed(addresses: Addresses) -> None:
    administer(addresses.owner, "ANALYZE")
