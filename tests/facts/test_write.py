"""The writer: cases that random rows found once, each by itself."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
import time_machine

from app.facts.prices import VERSION
from tests.facts.delivery import Account, Rows
from tests.people import Company, Founder

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def account(founder: Founder, company: Company) -> Account:
    return Account(founder.database, company)


def message(**more: Any) -> tuple[str, dict[str, Any]]:
    return "messages", {"session_id": "s", "id": "1", "role": "assistant", "created_at": NOON.isoformat(), **more}


STARTED = message(model_id="gpt-4o", provider="openai", status="running")
ENDED = message(input_tokens=1_000_000, output_tokens=10)


@pytest.mark.parametrize("sent", [[[STARTED, ENDED]], [[ENDED, STARTED]], [[STARTED], [ENDED]], [[ENDED], [STARTED]]])
async def test_a_message_costs_what_both_its_reports_say_together(account: Account, sent: list[Rows]) -> None:
    for rows in sent:
        await account.report(account.company.admin, rows)
    assert await account.differences() == []
    ((_, found),) = (await account.stored())["messages"].items()
    assert (found["cost_micros"], found["price_version"]) == (2_500_100, VERSION)


async def test_a_model_that_turns_out_to_be_unknown_has_no_price_of_any_version(account: Account) -> None:
    for model in ("gpt-4o", "never heard of"):
        await account.report(account.company.admin, [message(model_id=model, input_tokens=1_000)])
    assert await account.differences() == []
    ((_, found),) = (await account.stored())["messages"].items()
    assert (found["cost_micros"], found["price_version"]) == (None, None)


async def test_a_call_without_a_time_sent_again_brings_nothing_up_to_date(account: Account) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(2):
            await account.report(account.company.admin, [("tool_calls", {"session_id": "s", "id": "1"})])
            clock.shift(timedelta(days=8))
    assert await account.differences() == []


@pytest.mark.parametrize("order", [*permutations(("running", "completed", "failed"))], ids=" ".join)
async def test_a_message_that_failed_once_stays_failed(account: Account, order: tuple[str, ...]) -> None:
    for status in order:
        await account.report(account.company.admin, [message(status=status)])
    ((_, found),) = (await account.stored())["messages"].items()
    assert (found["status"], found["is_error"]) == ("failed", True)
    assert await account.differences() == []
