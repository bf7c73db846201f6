"""Exports take few connections, of one account fewer, and none for somebody who does not read."""

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any

import pytest
from fastapi import FastAPI

from app.web import downloads
from tests.people import Company, Founder

OWN, FACTS = "/api/v1/me/export", "/api/v1/analytics/export"


class Reader:
    """Asks for an export and takes the head of the answer; the rest only when told to."""

    def __init__(self, app: FastAPI, path: str, headers: Mapping[str, str]) -> None:
        self.status = 0
        self.reads = asyncio.Event()
        self.answered = asyncio.Event()
        sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode(),
            "query_string": b"kind=messages" if path == FACTS else b"", "headers": sent, "state": {},
        }  # fmt: skip
        self.over = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answered.set()
        elif self.status == 200:
            await self.reads.wait()


async def statuses(readers: list[Reader]) -> list[int]:
    async with asyncio.timeout(20):
        await asyncio.gather(*(reader.answered.wait() for reader in readers))
    return sorted(reader.status for reader in readers)


async def finish(readers: list[Reader]) -> None:
    for reader in readers:
        reader.reads.set()
    await asyncio.gather(*(reader.over for reader in readers))
    assert not downloads.DESK.taken


async def test_of_many_exports_of_an_account_at_once_two_begin(app: FastAPI, company: Company) -> None:
    crowd = [Reader(app, path, company.admin.headers) for path in (OWN, FACTS) * 5]
    assert await statuses(crowd) == [200] * 2 + [503] * 8
    await finish(crowd)
    one_more = [Reader(app, OWN, company.admin.headers)]
    assert await statuses(one_more) == [200]
    await finish(one_more)


async def test_others_still_get_theirs_until_the_server_has_given_out_all_it_does(
    app: FastAPI, company: Company, founder: Founder
) -> None:
    others = [await founder.company() for _ in range(2)]
    crowd = [Reader(app, OWN, one.viewer.headers) for one in (company, *others) for _ in range(2)]
    assert await statuses(crowd) == [200] * 4 + [503] * 2
    await finish(crowd)


async def test_who_takes_nothing_for_a_while_is_let_go(
    app: FastAPI, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "STALLED_S", 0.2)
    reader = Reader(app, OWN, company.viewer.headers)
    async with asyncio.timeout(10):
        await reader.over
    assert reader.status == 200
    assert not downloads.DESK.taken
