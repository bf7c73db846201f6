"""R4 and R5: every row of a batch is accounted for, and no reader sees half of one."""

import asyncio
import random
from typing import Any

import httpx
import pytest

from app.db.engine import Database
from tests.people import Company

URL = "/api/v1/ingest/batches"
AT = "2026-03-01T12:00:00Z"


def good(number: int) -> dict[str, Any]:
    return {"session_id": f"s{number % 3}", "id": f"m{number}", "role": "user", "created_at": AT}


WRONG: tuple[dict[str, Any], ...] = (
    {"input_tokens": -1},
    {"input_tokens": 2**31},
    {"input_tokens": 10**30},
    {"input_tokens": True},
    {"response_time_ms": -0.5},
    {"prompt": "hello"},
    {"created_at": "2199-01-01T00:00:00Z"},
    {"created_at": "2026-03-01T12:00:00"},
    {"created_at": "0001-01-01T00:00:00+14:00"},
    {"created_at": "9999-12-31T23:59:59-14:00"},
    {"session_id": "x" * 201},
    {"id": "nul\0"},
    {"id": None},
    {"role": {"deep": [1]}},
)
NO_ROWS: tuple[Any, ...] = ({}, None, [1], "text", 1.5)


def bad(number: int, chance: random.Random) -> Any:
    return chance.choice(NO_ROWS) if chance.random() < 0.2 else good(number) | chance.choice(WRONG)


@pytest.mark.parametrize("seed", range(6))
async def test_received_is_stored_and_unchanged_and_rejected(
    client: httpx.AsyncClient, company: Company, seed: int
) -> None:
    chance = random.Random(seed)
    known: set[int] = set()
    for _ in range(4):
        numbers = [chance.randrange(60) for _ in range(40)]
        wrong = {place for place in range(40) if chance.random() < 0.3}
        sent = [bad(n, chance) if place in wrong else good(n) for place, n in enumerate(numbers)]
        answer = (await client.post(URL, json={"messages": sent}, headers=company.admin.headers)).json()
        new = {n for place, n in enumerate(numbers) if place not in wrong} - known
        known |= new
        assert [error["index"] for error in answer.pop("errors")] == sorted(wrong)
        assert answer == {
            "received": 40,
            "stored": len(new),
            "unchanged": 40 - len(new) - len(wrong),
            "rejected": len(wrong),
        }


async def test_no_reader_sees_half_a_batch(client: httpx.AsyncClient, company: Company, database: Database) -> None:
    size, batches = 20, 100
    seen: list[tuple[int, ...]] = []
    done = asyncio.Event()
    sums = """
        SELECT (SELECT count(*) FROM messages WHERE account_id = $1),
            (SELECT coalesce(sum(messages), 0)::bigint FROM usage_days WHERE account_id = $1),
            (SELECT coalesce(sum(user_messages), 0)::bigint FROM ai_sessions WHERE account_id = $1)
    """

    async def read() -> None:
        while not done.is_set():
            async with database.transaction(company.id, read_only=True) as tx:
                seen.append(tuple(await tx.driver.fetchrow(sums, company.id)))

    async def write(first: int) -> None:
        for number in range(first, batches, 4):
            rows = [good(number * size + place) for place in range(size)]
            answer = await client.post(URL, json={"messages": rows}, headers=company.admin.headers)
            assert answer.json()["stored"] == size

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(first) for first in range(4)))
    done.set()
    await reader
    assert len(set(seen)) > 10
    assert all(facts % size == 0 and facts == rolled == totalled for facts, rolled, totalled in seen)
