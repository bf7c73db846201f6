"""L5: what the description allows and what it forbids, sent to a real server as every role and as nobody.

No 5xx, no undeclared status, header, type or shape; what is forbidden is refused; only the right token opens.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from app.auth.caller import ROLES
from app.db.addresses import Addresses
from app.settings import Settings
from tests.openapi_written import described_now
from tests.operations import OPERATIONS, Operation
from tests.people import Company, Founder
from tests.process import Running, serving, tally
from tests.server import reachable

SCHEMA = schemathesis.openapi.from_dict(described_now())
EXAMPLES = 25
# Some rules are finer than a schema can say: a cursor must be one of ours, a time zone must exist.
FINER = [positive_data_acceptance]


@pytest.fixture(scope="module")
def served(addresses: Addresses, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    assert settings.jwt_secret is not None
    environment = serving(addresses, settings.jwt_secret.get_secret_value(), TALLY_RATE_LIMIT="0")
    with tally(reachable(tmp_path_factory.mktemp("fuzz")), "serve", **environment) as running:
        yield running


@pytest.fixture(scope="module")
async def fuzzed(founder: Founder) -> Company:
    return await founder.company("Fuzzed")


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_no_request_meets_what_is_not_described(served: Running, fuzzed: Company, operation: Operation) -> None:
    described = SCHEMA[operation.path][operation.method]
    cases = st.one_of([described.as_strategy(generation_mode=mode) for mode in GenerationMode])

    by_row = [negative_data_rejection] if operation.is_by_row else []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, role=st.sampled_from([*ROLES, None]))
    def fuzz(case: schemathesis.Case[Any], role: str | None) -> None:
        headers = {} if role is None else getattr(fuzzed, role).headers
        case.call_and_validate(base_url=served.url, headers=headers, excluded_checks=[*FINER, *by_row])

    fuzz()


def test_nothing_crashed_behind_the_answers(served: Running) -> None:
    assert not [line for line in served.lines() if '"level":"error"' in line]
