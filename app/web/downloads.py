"""Answers that are files, written while they are read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Send

from app.web.problems import Unavailable

AN_HOUR_S = 3600


class Download(StreamingResponse):
    """Closes its source as soon as nobody reads any more: a transaction is open behind it."""

    async def stream_response(self, send: Send) -> None:
        body: Any = self.body_iterator
        async with aclosing(body):
            await super().stream_response(send)


class Desk:
    """Gives out so many files at once: each holds a connection for as long as it is read, at most an hour."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.running: set[object] = set()

    def require_room(self) -> None:
        if len(self.running) >= self.most:
            raise Unavailable(
                f"{self.most} exports are running already, as many as one server runs at once: try again when one is"
                " done.",
                retry_after=10,
            )

    async def hand_out(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        token = object()
        self.running.add(token)
        try:
            async with asyncio.timeout(AN_HOUR_S), aclosing(pieces):  # type: ignore[type-var]
                async for piece in pieces:
                    yield piece
        finally:
            self.running.discard(token)
