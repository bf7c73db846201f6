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
