"""R7: facts, rollups and totals are what a recomputation from everything ever sent gives, whatever happened between."""

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import asyncpg
import httpx
import pytest
import time_machine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.db.engine import Tx
from tests.facts.delivery import Account, Rows, batch, bring
from tests.facts.reports import ZONES, more, rows, some
from tests.facts.stored import differences
from tests.people import Founder, Person

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
# Everything that is written, by statement: with fewer the rows were too plain to prove anything.
LEAST_STATEMENTS = 18


async def account_in(founder: Founder, zone: str) -> Account:
    return Account(founder.database, await founder.company(timezone=zone), zone)


def split(sent: Rows, cuts: list[int]) -> list[Rows]:
    edges = [0, *sorted(cut % (len(sent) + 1) for cut in cuts), len(sent)]
    return [sent[low:high] for low, high in pairwise(edges)]


@given(data=st.data(), zone=st.sampled_from(ZONES))
@settings(
    max_examples=more(40),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Shrinking takes minutes, and the rows are few and plain as they are.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
async def test_any_order_split_and_repetition_gives_what_the_rows_say(
    data: st.DataObject, zone: str, founder: Founder
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        account = await account_in(founder, zone)
        senders = st.sampled_from([account.company.admin, account.company.owner])
        cuts = st.lists(st.integers(0, 30), max_size=4)
        sent = data.draw(st.lists(rows(account.company), min_size=8, max_size=30))
        for order in (sent, data.draw(st.permutations(sent))):
            for part in split(order, data.draw(cuts)):
                clock.shift(60)
                await account.report(data.draw(senders), part)
            assert await account.differences() == []


@pytest.mark.parametrize("seed", range(more(4)))
async def test_eight_writers_at_once_who_tell_of_the_same_things(seed: int, founder: Founder) -> None:
    chance = random.Random(seed)

    async def write(sender: Person, sent: Rows) -> None:
        for part in split(chance.sample(sent, len(sent)), [20, 40, 60]):
            await account.report(sender, part)

    with time_machine.travel(NOON, tick=False):
        account = await account_in(founder, ZONES[seed % 4])
        sent = some(account.company, 100, seed)
        await asyncio.gather(*(write(sender, sent) for sender in [account.company.admin, account.company.owner] * 4))
        assert await account.differences() == []


class Cut(Exception):
    """The transaction ends here."""


@dataclass
class Scissors:
    """A driver that runs so many statements and then fails, or loses its server."""

    driver: Any
    left: int
    kill: bool

    def __getattr__(self, name: str) -> Any:
        run = getattr(self.driver, name)

        async def cut(*arguments: Any, **options: Any) -> Any:
            found = await run(*arguments, **options)
            self.left -= 1
            if self.left == 0:
                if self.kill:
                    await self.driver.execute("SELECT pg_terminate_backend(pg_backend_pid())")
                raise Cut
            return found

        return cut


async def cut_after(account: Account, sent: Rows, statements: int, *, kill: bool) -> bool:
    """Whether the call was cut before its end."""
    try:
        async with account.database.transaction(account.company.id) as tx:
            cut: Any = Scissors(tx.driver, statements, kill)
            await bring(Tx(tx.account, tx.connection, cut), account.company.admin, sent)
    except (Cut, asyncpg.PostgresError, asyncpg.InterfaceError):
        return True
    return False


@pytest.mark.parametrize("kill", [False, True], ids=["raised", "killed"])
async def test_a_fault_after_any_statement_leaves_nothing_behind(kill: bool, founder: Founder) -> None:  # noqa: FBT001
    with time_machine.travel(NOON, tick=False):
        account = await account_in(founder, "America/New_York")
        known, coming = some(account.company, 60, 1), some(account.company, 60, 2)
        await account.report(account.company.admin, known)
        before = await account.stored()
        statement = 1
        while await cut_after(account, coming, statement, kill=kill):
            assert differences(await account.stored(), before) == [], f"after statement {statement}"
            statement += 1
        assert statement > LEAST_STATEMENTS
        account.remember(account.company.admin, coming)
        assert await account.differences() == []


async def test_what_comes_over_http_is_counted_alike(client: httpx.AsyncClient, founder: Founder) -> None:
    with time_machine.travel(NOON, tick=False):
        account = await account_in(founder, "Asia/Kathmandu")
        owner = account.company.owner
        for part in split(some(account.company, 300, 1), [50, 120, 200]):
            account.remember(owner, part)
            answer = await client.post("/api/v1/ingest/batches", json=batch(part), headers=owner.headers)
            assert answer.status_code == 200, answer.text
        assert await account.differences() == []
