"""Who calls is looked up for many at once, and for each as freshly as for one alone."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from app.auth.caller import Caller, read_caller
from app.auth.looks import Looks
from app.auth.tokens import Claims
from app.db.addresses import Addresses
from app.db.engine import Database, Tx, Unreachable
from app.web.answers import LOST
from app.web.problems import Unauthorized
from tests.people import Company, Founder, Person
from tests.serving import pool, serving

USAGE = "/api/v1/analytics/usage?start_date=2026-05-01&end_date=2026-05-31"
Change = Callable[[httpx.AsyncClient, Company, str], Awaitable[object]]


def claims_of(person: Person) -> Claims:
    return Claims(person.id, person.account_id, None)


class Watched:
    """Looks that note their transactions and wait, when told to, before they read or with what they read."""

    def __init__(self, database: Database) -> None:
        self.looks: Looks[Caller] = Looks(database, self._read)
        self.transactions: set[datetime] = set()
        self.reads, self.begun, self.may_read, self.may_tell = 0, *(asyncio.Event() for _ in range(3))
        self.may_read.set()
        self.may_tell.set()

    async def _read(self, tx: Tx, claims: Claims) -> Caller:
        self.reads += 1
        self.transactions.add(await tx.driver.fetchval("SELECT now()"))
        if not self.may_read.is_set():
            self.begun.set()
            await self.may_read.wait()
        caller = await read_caller(tx, claims)
        self.begun.set()
        await self.may_tell.wait()
        return caller

    async def held(self, claims: Claims, until: asyncio.Event | None = None) -> "asyncio.Task[Caller]":
        """A look that is under way, and has not told who it is for; or not even read."""
        (until or self.may_tell).clear()
        first = asyncio.create_task(self.looks.at(claims))
        await self.begun.wait()
        return first


@pytest.fixture
def watched(database: Database) -> Watched:
    return Watched(database)


async def test_many_who_ask_at_once_share_a_transaction_and_a_read_each(watched: Watched, company: Company) -> None:
    people = [company.viewer, company.engineer, company.owner]
    seen = await asyncio.gather(*(watched.looks.at(claims_of(person)) for person in people * 10))
    assert [caller.id for caller in seen] == [person.id for person in people * 10]
    assert (len(watched.transactions), watched.reads) == (1, len(people))


async def test_who_asks_during_a_look_is_answered_by_the_next_which_sees_what_changed_before(
    watched: Watched, company: Company, client: httpx.AsyncClient
) -> None:
    engineer = claims_of(company.engineer)
    first = await watched.held(engineer)
    lowered = await client.patch(
        f"/api/v1/users/{company.engineer.id}", headers=company.owner.headers, json={"account_role": "viewer"}
    )
    assert lowered.status_code == 200, lowered.text
    later = [asyncio.create_task(watched.looks.at(engineer)) for _ in range(5)]
    await asyncio.sleep(0)
    watched.may_tell.set()
    assert (await first).role == "engineer", "it had begun before"
    assert {(await one).role for one in later} == {"viewer"}
    assert (len(watched.transactions), watched.reads) == (1, 2), "they follow each other"


async def test_who_asks_again_at_once_needs_no_transaction_anew(watched: Watched, company: Company) -> None:
    async def ask_often(person: Person) -> None:
        for _ in range(5):
            await watched.looks.at(claims_of(person))

    await asyncio.gather(*(ask_often(person) for person in [company.viewer] * 4))
    assert (len(watched.transactions), watched.reads) == (1, 5)


async def test_who_leaves_takes_nobody_along(watched: Watched, company: Company) -> None:
    first = await watched.held(claims_of(company.viewer))
    others = [asyncio.create_task(watched.looks.at(claims_of(company.viewer))) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    others[0].cancel()
    watched.may_tell.set()
    async with asyncio.timeout(10):
        assert (await others[1]).id == company.viewer.id
    assert (await watched.looks.at(claims_of(company.owner))).id == company.owner.id


async def test_one_who_is_gone_is_refused_alone(watched: Watched, company: Company, other_company: Company) -> None:
    stranger = Claims(other_company.owner.id, company.id, None)
    refused, seen = await asyncio.gather(
        watched.looks.at(stranger), watched.looks.at(claims_of(company.viewer)), return_exceptions=True
    )
    assert isinstance(refused, Unauthorized)
    assert isinstance(seen, Caller)
    assert len(watched.transactions) == 1


async def test_without_a_database_all_who_wait_hear_it_and_the_next_try_anew(
    addresses: Addresses, founder: Founder, company: Company
) -> None:
    nowhere = Addresses(addresses.application.set(query={"host": "/nowhere"}), addresses.owner)
    async with pool(nowhere) as away:
        looks: Looks[Caller] = Looks(away, read_caller)
        for _ in range(2):
            asked = [looks.at(claims_of(person)) for person in (company.viewer, company.owner)]
            async with asyncio.timeout(10):
                told = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(one) for one in told] == [Unreachable, Unreachable]
        looks._database = founder.database  # it is back
        assert (await looks.at(claims_of(company.viewer))).id == company.viewer.id


async def test_a_look_that_fails_is_told_to_those_who_wait_for_it_alone(watched: Watched, company: Company) -> None:
    viewer, owner = claims_of(company.viewer), claims_of(company.owner)
    first = await watched.held(viewer, watched.may_read)
    later = [asyncio.create_task(watched.looks.at(claims)) for claims in (viewer, owner, owner)]
    await asyncio.sleep(0)
    await end_of_the_look(watched, company)
    watched.may_read.set()
    with pytest.raises((*LOST, asyncpg.PostgresError)):
        await first
    async with asyncio.timeout(10):
        assert [caller.id for caller in await asyncio.gather(*later)] == [company.viewer.id, *[company.owner.id] * 2]


async def test_who_was_told_before_it_failed_keeps_the_answer(watched: Watched, company: Company) -> None:
    viewer, owner = claims_of(company.viewer), claims_of(company.owner)
    first = await watched.held(viewer)
    later = [asyncio.create_task(watched.looks.at(claims)) for claims in (viewer, owner, owner)]
    await asyncio.sleep(0)
    await end_of_the_look(watched, company)
    watched.may_tell.set()
    assert (await first).id == company.viewer.id
    async with asyncio.timeout(10):
        told = await asyncio.gather(*later, return_exceptions=True)
    assert all(isinstance(one, (*LOST, asyncpg.PostgresError)) for one in told), told
    assert (await watched.looks.at(owner)).id == company.owner.id


async def end_of_the_look(watched: Watched, company: Company) -> None:
    """Its connection is cut."""
    pids = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'idle in transaction'"
    async with watched.looks._database.transaction(company.id) as tx:
        (pid,) = [row["pid"] for row in await tx.driver.fetch(pids)]
        await tx.driver.execute("SELECT pg_terminate_backend($1)", pid)


async def test_looks_without_end_leave_others_their_turn(addresses: Addresses, company: Company) -> None:
    viewer, asked, enough = claims_of(company.viewer), set[asyncio.Task[Caller]](), False

    async def read(tx: Tx, claims: Claims) -> Caller:
        """During every look somebody asks for the next."""
        if not enough:
            asked.add(asyncio.create_task(looks.at(viewer)))
        return await read_caller(tx, claims)

    async with pool(addresses, pool_size=1) as one:
        looks: Looks[Caller] = Looks(one, read)
        await looks.at(viewer)
        async with one.transaction(company.id):
            pass
        assert len(asked) > 10
        enough = True
        await asyncio.wait(asked)
        await looks.close()


async def test_the_server_ends_after_its_looks(
    addresses: Addresses, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was told goes on while the transaction of their look still ends."""
    async with serving(addresses) as api:
        looks, commit = api.app.state.door.looks, api.database._commit

        async def late(driver: Any) -> bool:
            await asyncio.sleep(0.3)
            return await commit(driver)

        monkeypatch.setattr(api.database, "_commit", late)
        assert (await looks.at(claims_of(company.viewer))).id == company.viewer.id
        assert looks._looking
    assert not looks._looking


async def demoted(client: httpx.AsyncClient, company: Company, _key: str) -> None:
    await changed(client, company, account_role="viewer")


async def deactivated(client: httpx.AsyncClient, company: Company, _key: str) -> None:
    await changed(client, company, active=False)


async def revoked(client: httpx.AsyncClient, company: Company, key: str) -> None:
    assert (await client.delete(f"/api/v1/keys/{key}", headers=company.owner.headers)).status_code == 204


async def closed(client: httpx.AsyncClient, company: Company, _key: str) -> None:
    """As the operator's DELETE leaves it, until nothing is left."""
    database: Database = client._transport.app.state.database  # type: ignore[attr-defined]
    async with database.transaction(company.id) as tx:
        await tx.driver.execute("UPDATE accounts SET closing_at = now() WHERE id = $1", company.id)


async def changed(client: httpx.AsyncClient, company: Company, **fields: Any) -> None:
    answer = await client.patch(f"/api/v1/users/{company.engineer.id}", headers=company.owner.headers, json=fields)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("change", "status"), [(demoted, 403), (deactivated, 401), (revoked, 401), (closed, 401)])
async def test_what_is_known_is_confirmed_to_nobody_who_may_not_ask(
    client: httpx.AsyncClient, company: Company, change: Change, status: int
) -> None:
    made = await client.post("/api/v1/keys", headers=company.engineer.headers, json={"name": "dashboard"})
    key = made.json()
    token = (await client.post("/api/v1/auth/token", json={"api_key": key["api_key"]})).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    tag = (await client.get(USAGE, headers=headers)).headers["ETag"]
    headers["If-None-Match"] = tag
    assert (await client.get(USAGE, headers=headers)).status_code == 304
    await change(client, company, key["id"])
    together = await asyncio.gather(*(client.get(USAGE, headers=headers) for _ in range(5)))
    assert {answer.status_code for answer in together} == {status}
