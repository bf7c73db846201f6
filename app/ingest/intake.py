"""Reading a request body within bounds: of its size, of its unpacked size, and of all bodies together.

However much is sent at once, what is in memory stays bounded: who finds no room waits a moment, then is told to come
again.
"""

import asyncio
import os
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import IO

from starlette.requests import Request

from app.web.problems import BadRequest, ContentTooLarge, Unavailable, UnsupportedMedia

MIB = 2**20
# What a body grows to while it is taken in, some fourteen times its size, stays under 250 MiB with all else.
ROOM = 8 * MIB
# The smallest grow most; more of them at once would only wait for connections.
LEAST = ROOM // 16
PATIENCE_S = 5.0
ARRIVAL_S = 30.0
IN_MEMORY = 256 * 1024
TRAILER = 4


class Room:
    """Bytes of bodies in memory, all requests together; first come, first served."""

    def __init__(self, size: int = ROOM) -> None:
        self._free = self._size = size
        self._turn = asyncio.Lock()
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def take(self, wanted: int) -> AsyncIterator[None]:
        wanted = min(max(wanted, LEAST), self._size)
        try:
            async with asyncio.timeout(PATIENCE_S), self._turn, self._freed:
                await self._freed.wait_for(lambda: self._free >= wanted)
                self._free -= wanted
        except TimeoutError:
            raise Unavailable("Tally is taking in as much as it can; nothing was lost, try again.") from None
        try:
            yield
        finally:
            async with self._freed:
                self._free += wanted
                self._freed.notify_all()


@asynccontextmanager
async def body(request: Request, room: Room, limit: int) -> AsyncIterator[bytes]:
    """The unpacked body; its room is held while it is in use, and only once all of it is here.

    Room for what is still on its way would be kept by whoever announces much and sends nothing.
    """
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise UnsupportedMedia("The content encoding must be gzip or none.")
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        await arrive(request, file)
        size = packed = file.tell()
        if encoding == "gzip":
            file.seek(-min(TRAILER, packed), os.SEEK_END)
            size = announced_size(file.read(), limit)
        async with room.take(max(packed, size)):
            file.seek(0)
            yield file.read() if encoding == "identity" else unpack(file.read(), size, limit)


async def arrive(request: Request, file: IO[bytes]) -> None:
    """Little is kept in memory of a body on its way, the rest on disk; one that takes too long is given up."""
    try:
        async with asyncio.timeout(ARRIVAL_S):
            async for chunk in request.stream():
                file.write(chunk)
    except TimeoutError:
        raise BadRequest(f"The body took longer than {ARRIVAL_S:.0f} s to arrive: send less at once.") from None


def announced_size(packed: bytes, limit: int) -> int:
    """What the trailer says, as far as it is allowed; unpacking holds it to that."""
    return min(int.from_bytes(packed[-TRAILER:], "little"), limit)


def unpack(packed: bytes, size: int, limit: int) -> bytes:
    """Never makes more than one byte beyond what the trailer announced: a bomb bursts outside."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(packed, size + 1)
    except zlib.error:
        raise BadRequest("The body is not the gzip stream its Content-Encoding says.") from None
    if len(unpacked) > limit:
        raise ContentTooLarge(f"The body may have at most {limit} bytes, also once unpacked: send less at once.")
    if len(unpacked) != size or not unpacker.eof or unpacker.unused_data:
        raise BadRequest("The body is not one whole gzip stream: it is cut, or its size is not what its end says.")
    return unpacked
