"""R3: a call sent again under its Idempotency-Key is answered again, not done again."""

import asyncio
import gzip
import json
from collections import Counter
from typing import Any

import asyncpg
import httpx
import pytest

from app.db.addresses import Addresses
from app.db.engine import Database
from app.ingest.replay import LOCK
from tests.people import Company, Person
from tests.server import plain

URL = "/api/v1/ingest/batches"


def body(number: int = 1) -> bytes:
    row = {"session_id": "s", "id": f"m{number}", "role": "user", "created_at": "2026-03-01T12:00:00Z"}
    return json.dumps({"messages": [row, {**row, "id": ""}]}).encode()


async def post(client: httpx.AsyncClient, person: Person, key: str, content: bytes, **headers: str) -> httpx.Response:
    named = {"Idempotency-Key": key, "Content-Type": "application/json", **person.headers, **headers}
    return await client.post(URL, content=content, headers=named)


async def versions(database: Database, company: Company) -> int:
    """How often facts of the account were written."""
    async with database.transaction(company.id, read_only=True) as tx:
        found: int = await tx.driver.fetchval("SELECT version FROM account_versions WHERE account_id = $1", company.id)
        return found


async def test_of_fifty_calls_with_one_key_one_is_done(
    client: httpx.AsyncClient, company: Company, database: Database
) -> None:
    answers = await asyncio.gather(*(post(client, company.admin, "k", body()) for _ in range(50)))
    replayed = Counter((a.status_code, a.headers.get("idempotent-replayed")) for a in answers)
    assert replayed.pop((207, None)) == 1
    # Still running, or no connection free while it was: both say come again.
    assert replayed.keys() <= {(207, "true"), (409, None), (503, None)}, replayed
    assert len({a.content for a in answers if a.status_code == 207}) == 1
    assert await versions(database, company) == 1


async def test_the_same_body_is_answered_alike_byte_for_byte(
    client: httpx.AsyncClient, company: Company, database: Database
) -> None:
    first = await post(client, company.admin, "k", body())
    again = await post(client, company.admin, "k", body())
    packed = await post(client, company.admin, "k", gzip.compress(body()), **{"Content-Encoding": "gzip"})
    for answer in (again, packed):
        assert (answer.status_code, answer.content) == (207, first.content)
        assert answer.headers["idempotent-replayed"] == "true"
        assert answer.headers["content-type"] == first.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert await versions(database, company) == 1


async def test_another_body_under_a_used_key_is_refused(
    client: httpx.AsyncClient, company: Company, database: Database
) -> None:
    await post(client, company.admin, "k", body())
    answer = await post(client, company.admin, "k", body(2))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "another body" in answer.json()["detail"]
    assert await versions(database, company) == 1


async def test_keys_are_each_accounts_own(
    client: httpx.AsyncClient, company: Company, other_company: Company, database: Database
) -> None:
    await post(client, company.admin, "k", body())
    answer = await post(client, other_company.admin, "k", body(2))
    assert answer.status_code == 207
    assert "idempotent-replayed" not in answer.headers
    assert await versions(database, other_company) == 1


async def test_a_refused_call_is_not_remembered(client: httpx.AsyncClient, company: Company) -> None:
    assert (await post(client, company.admin, "k", b"[]")).status_code == 422
    assert (await post(client, company.admin, "k", body())).status_code == 207


async def test_while_the_first_runs_the_second_is_told_so_and_the_key_is_free_when_it_dies(
    client: httpx.AsyncClient, company: Company, addresses: Addresses
) -> None:
    """The other server process holds the key, and is killed."""
    other = await asyncpg.connect(plain(addresses.application))
    await other.execute("BEGIN")
    assert await other.fetchval(LOCK, f"{company.id} k")
    assert (await post(client, company.admin, "k", body())).status_code == 409
    assert (await post(client, company.admin, "another", body())).status_code == 207
    other.terminate()
    for _ in range(50):
        answer = await post(client, company.admin, "k", body())
        if answer.status_code != 409:
            break
        await asyncio.sleep(0.05)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (207, False)


async def test_no_lock_outlives_its_call(client: httpx.AsyncClient, company: Company, addresses: Addresses) -> None:
    calls: list[Any] = [post(client, company.admin, f"k{n % 7}", body(n % 3)) for n in range(40)]
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0.1)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    owner = await asyncpg.connect(plain(addresses.owner))
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    for _ in range(40):
        if await owner.fetchval(held) == 0:
            break
        await asyncio.sleep(0.05)
    assert await owner.fetchval(held) == 0
    await owner.close()


@pytest.mark.parametrize(("length", "status"), [(0, 422), (1, 207), (255, 207), (256, 422)])
async def test_a_key_has_one_to_255_characters(
    client: httpx.AsyncClient, company: Company, length: int, status: int
) -> None:
    answer = await post(client, company.admin, "k" * length, body())
    assert answer.status_code == status
    if length == 256:
        assert "255" in answer.json()["detail"]
    assert (await post(client, company.admin, "k" * length, body())).status_code == status


async def test_a_key_of_any_bytes_a_header_can_carry_is_a_key(client: httpx.AsyncClient, company: Company) -> None:
    for key in ("a b", "é" * 200, "'; DROP TABLE messages; --", "%00"):
        named = {"Content-Type": "application/json", **company.admin.headers}
        raw = [(b"idempotency-key", key.encode("latin-1")), *((n.encode(), v.encode()) for n, v in named.items())]
        first = await client.post(URL, content=body(), headers=raw)
        again = await client.post(URL, content=body(), headers=raw)
        assert (first.status_code, again.status_code) == (207, 207), key
        assert again.headers["idempotent-replayed"] == "true"
