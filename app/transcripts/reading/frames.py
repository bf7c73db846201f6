"""How the two ends speak: a head as JSON and a body of bytes, each with its length before it."""

import struct
from asyncio import IncompleteReadError, StreamReader
from io import FileIO
from typing import Any, NamedTuple

import orjson

LENGTHS = struct.Struct("!II")


class Frame(NamedTuple):
    head: dict[str, Any]
    body: bytes = b""

    def packed(self) -> bytes:
        head = orjson.dumps(self.head)
        return LENGTHS.pack(len(head), len(self.body)) + head + self.body


def exactly(stream: FileIO, size: int) -> bytes:
    """So many bytes; fewer only where the stream ends."""
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read(stream: FileIO) -> Frame | None:
    """The next frame; None at the end."""
    lengths = exactly(stream, LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    head, body = LENGTHS.unpack(lengths)
    return Frame(orjson.loads(exactly(stream, head)), exactly(stream, body))


def send(stream: FileIO, frame: Frame) -> None:
    """All of it: a pipe takes as much at once as it has room for."""
    rest = memoryview(frame.packed())
    while rest:
        rest = rest[stream.write(rest) :]


async def receive(stream: StreamReader) -> Frame | None:
    """The next frame or None, without blocking anybody."""
    try:
        head, body = LENGTHS.unpack(await stream.readexactly(LENGTHS.size))
        return Frame(orjson.loads(await stream.readexactly(head)), await stream.readexactly(body))
    except (IncompleteReadError, ConnectionError):
        return None
