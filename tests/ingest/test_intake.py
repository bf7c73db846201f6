"""Bodies that come too slowly."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient

from app.ingest import intake
from tests.people import Company

JSON = {"Content-Type": "application/json"}


async def test_who_sends_too_slowly_gives_up_the_room(
    client: AsyncClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ARRIVAL_S", 0.05)

    async def dripping() -> AsyncIterator[bytes]:
        yield b'{"messages": ['
        await asyncio.sleep(0.5)
        yield b"]}"

    url = "/api/v1/ingest/batches"
    slow = await client.post(url, content=dripping(), headers=company.viewer.headers | JSON)
    assert (slow.status_code, slow.headers["content-type"]) == (400, "application/problem+json")
    assert "took longer than" in slow.json()["detail"]
    after = await client.post(url, content=b"{}", headers=company.viewer.headers | JSON)
    assert after.status_code == 200


async def test_who_announces_much_and_sends_nothing_keeps_nobody_out(client: AsyncClient, company: Company) -> None:
    async def silent() -> AsyncIterator[bytes]:
        yield b'{"messages": ['
        await asyncio.sleep(60)

    url = "/api/v1/ingest/batches"
    announced = company.viewer.headers | JSON | {"Content-Length": str(12 * 2**20)}
    idle = [asyncio.create_task(client.post(url, content=silent(), headers=announced)) for _ in range(4)]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(3):
        answer = await client.post(url, content=b"{}", headers=company.admin.headers | JSON)
    assert answer.status_code == 200
    for task in idle:
        task.cancel()
    await asyncio.wait(idle)


async def test_ids_in_braces_are_ids_like_others(client: AsyncClient, company: Company) -> None:
    rows = [{"session_id": "{s}", "id": f"{{{n}}}", "global_id": f"{{g{n}}}", "message_id": "{m}"} for n in range(8001)]
    answer = await client.post("/api/v1/ingest/batches", json={"tool_calls": rows}, headers=company.viewer.headers)
    assert (answer.status_code, answer.json()["stored"]) == (200, 8001)
