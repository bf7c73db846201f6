"""How logs come in: some at once, none for somebody who left, and nobody's for long."""

import gzip
import time
from contextlib import suppress
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import ClientDisconnect

from app.transcripts import arrival
from app.web.problems import Unavailable
from tests.people import Company, Person
from tests.problem import is_problem
from tests.transcripts.library import TRANSCRIPTS, Library
from tests.transcripts.test_processors import LOG

MIB = 2**20


async def test_an_account_that_sends_many_logs_keeps_no_other_from_sending(
    library: Library, company: Company, other_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "PATIENCE_S", 0.2)
    async with arrival.place(str(company.id)):
        for _ in range(3):
            with pytest.raises(Unavailable):
                async with arrival.place(str(company.id)):
                    pass
        waiting = await library.client.post(TRANSCRIPTS, params={"name": "a"}, content=LOG, headers=headers(company))
        assert "try again" in is_problem(waiting, 503)["detail"]
        await library.upload("a", LOG, other_company.viewer)
    await library.upload("a", LOG)


def headers(company: Company) -> dict[str, str]:
    return company.viewer.headers


@pytest.mark.parametrize("size", [3 * MIB, 50 * MIB])
async def test_a_log_of_nothing_but_empty_lines_is_taken_in_at_once(library: Library, size: int) -> None:
    before = time.process_time()
    answer = await library.upload("a", gzip.compress(b"\n" * size))
    assert (answer["size"], answer["form"]) == (size, None)
    assert time.process_time() - before < 3


async def test_a_pass_over_a_log_of_mostly_empty_lines_is_short(library: Library) -> None:
    await library.upload("a", LOG + b"\n" * 3 * MIB + LOG.replace(b"-1", b"-2"))
    before = time.process_time()
    done = await library.process("usage")
    assert time.process_time() - before < 3
    assert (done["processed"], (await library.totals())["s"]["input"]) == (1, 14)
    (log,) = await library.listed()
    assert [problem["line"] for problem in log["processors"][0]["problems"]] == list(range(3, 103))


async def test_what_nobody_waits_for_any_more_is_not_taken_in(app: FastAPI, library: Library, company: Company) -> None:
    packed = gzip.compress(b"\n" * 50 * MIB, 9)
    assert await sent_and_left(app, company.viewer, packed) != 201
    assert (await library.listed(), await library.raw_files()) == ([], [])


async def sent_and_left(app: FastAPI, person: Person, body: bytes) -> int | None:
    """As a server does it for a client that hangs up as soon as its last byte is out; what was answered, to nobody."""
    messages: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]
    answered: list[int] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    given = person.headers | {"Content-Encoding": "gzip", "Content-Length": str(len(body))}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": TRANSCRIPTS, "raw_path": TRANSCRIPTS.encode(), "query_string": b"name=a", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1), "server": ("tally", 80), "state": {},
    }  # fmt: skip
    with suppress(ClientDisconnect):
        await app(scope, receive, send)
    return answered[0] if answered else None
