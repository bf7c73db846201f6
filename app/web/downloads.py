"""Answers that are files, written while they are read."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from app.web.problems import Unavailable

AN_HOUR_S = 3600
# Who takes nothing for so long is gone, or means ill.
STALLED_S = 30


class Download(StreamingResponse):
    """Closes its source as soon as nobody reads any more: a transaction is open behind it."""

    async def stream_response(self, send: Send) -> None:
        async def patiently(message: Message) -> None:
            async with asyncio.timeout(STALLED_S):
                await send(message)

        body: Any = self.body_iterator
        async with asyncio.timeout(AN_HOUR_S), aclosing(body):
            await super().stream_response(patiently)


class Desk:
    """So many files at once, so many of them one account's: each holds a connection for as long as it is read."""

    def __init__(self, most: int, of_one: int) -> None:
        self.most = most
        self.of_one = of_one
        self.taken: Counter[str] = Counter()

    async def place(self, request: Request) -> AsyncIterator[None]:
        """From before the handler begins until the last byte has left."""
        account = request.state.caller["account_id"]
        if self.taken.total() >= self.most or self.taken[account] >= self.of_one:
            raise Unavailable(
                f"As many exports are running as this server allows at once ({self.most}, of one account"
                f" {self.of_one}): try again when one is done.",
                retry_after=10,
            )
        self.taken[account] += 1
        try:
            yield
        finally:
            self.taken[account] -= 1
            self.taken += Counter()  # without those that hold none


# All kinds of exports share one: together they leave most connections to others.
DESK = Desk(most=4, of_one=2)
Place = Annotated[None, Depends(DESK.place, scope="request")]
