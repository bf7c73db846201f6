"""A log on its way in: into a file of ours, unpacked, measured and recognised, with little of it ever in memory."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from starlette.datastructures import UploadFile
from starlette.requests import Request

from app.transcripts.formats.log import Recogniser
from app.transcripts.storage import arriving
from app.web.problems import BadRequest, ContentTooLarge, Unavailable, Unprocessable, UnsupportedMedia

KIB = 1024
# What a form adds around its file.
AROUND = 64 * KIB
ARRIVAL_S = 300.0
PATIENCE_S = 5.0
CHUNK = 64 * KIB
# So little at once that even what unpacks best (some 256,000-fold) unpacks to a few MiB.
SLICE = 256
# Unpacking needs up to this much memory, each; who packs with a larger window is asked to use a smaller one.
WINDOW = 32 * 2**20
AT_ONCE = asyncio.Semaphore(2)
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
PACKINGS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "zstd": lambda: zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj(),
}
TOO_LARGE = "A session log may have at most {} bytes, also once unpacked."


@dataclass(frozen=True)
class Arrived:
    """`file` is the caller's to move away; `name` is the file's own, where a form told it."""

    file: Path
    name: str | None
    sha256: str
    size: int
    form: str | None


@asynccontextmanager
async def receive(request: Request, data_dir: Path, largest: int) -> AsyncIterator[Arrived]:
    """The log of a request, for as long as it is in use."""
    request.state.max_body_bytes = largest + AROUND
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    packing = request.headers.get("content-encoding", "identity").lower()
    if packing not in ("identity", *PACKINGS):
        raise UnsupportedMedia("The content encoding must be gzip, zstd or none.")
    if kind == "multipart/form-data" and packing != "identity":
        raise UnsupportedMedia("A form is sent as it is: pack the file in it instead, with gzip or zstd.")
    packed, unpacked = await asyncio.to_thread(arriving, data_dir), await asyncio.to_thread(arriving, data_dir)
    try:
        name = await arrive(request, packed, is_form=kind == "multipart/form-data")
        yield await unpack_apart(packed, unpacked, (packing, largest), name)
    finally:
        packed.unlink(missing_ok=True)
        unpacked.unlink(missing_ok=True)


async def arrive(request: Request, file: Path, *, is_form: bool) -> str | None:
    """The body as it was sent, on disk; one that takes too long is given up."""
    try:
        async with asyncio.timeout(ARRIVAL_S):
            if is_form:
                return await arrive_in_form(request, file)
            with file.open("wb") as out:
                async for chunk in request.stream():
                    out.write(chunk)
    except TimeoutError:
        raise BadRequest(f"The log took longer than {ARRIVAL_S:.0f} s to arrive: pack it, or try again.") from None
    return None


async def arrive_in_form(request: Request, file: Path) -> str | None:
    async with request.form(max_files=1, max_fields=0) as form:
        sent = next((value for value in form.values() if isinstance(value, UploadFile)), None)
        if sent is None:
            raise Unprocessable("The form holds no file: send one, as in curl -F file=@log.jsonl.")
        with file.open("wb") as out:
            while chunk := await sent.read(CHUNK):
                out.write(chunk)
        return sent.filename


async def unpack_apart(packed: Path, unpacked: Path, how: tuple[str, int], name: str | None) -> Arrived:
    """In a thread, and few at once."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await AT_ONCE.acquire()
    except TimeoutError:
        raise Unavailable("Tally is taking in as many logs as it can; nothing was lost, try again.") from None
    try:
        return await asyncio.to_thread(unpack, packed, unpacked, how, name)
    finally:
        AT_ONCE.release()


def unpack(packed: Path, unpacked: Path, how: tuple[str, int], name: str | None) -> Arrived:
    packing, largest = how
    digest, size, recogniser = hashlib.sha256(), 0, Recogniser()
    try:
        with unpacked.open("wb") as out:
            for chunk in contents(packed, packing):
                size += len(chunk)
                if size > largest:
                    raise ContentTooLarge(TOO_LARGE.format(largest))
                digest.update(chunk)
                out.write(chunk)
                if recogniser.form is None:
                    recogniser.feed(chunk)
    except (zlib.error, zstandard.ZstdError, EOFError):
        raise BadRequest("The log is not the whole gzip or zstd stream it is said to be, or begins as.") from None
    return Arrived(unpacked, name, digest.hexdigest(), size, recogniser.end())


def contents(file: Path, packing: str) -> Iterator[bytes]:
    """Unpacked as the request says, then once more where what was sent is a packed file: no log begins like one."""
    chunks = pieces(file)
    if packing != "identity":
        chunks = unpacked_by(packing, chunks)
    first = next((chunk for chunk in chunks if chunk), b"")
    inner = "gzip" if first.startswith(GZIP) else "zstd" if first.startswith(ZSTD) else None
    whole = chained(first, chunks)
    return whole if inner is None else unpacked_by(inner, whole)


def pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk


def chained(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


def unpacked_by(packing: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Stream after stream, as both packings allow. Raises EOFError where the last one is cut."""
    current, begun = PACKINGS[packing](), False
    for chunk in chunks:
        for at in range(0, len(chunk), SLICE):
            piece = chunk[at : at + SLICE]
            while piece:
                begun = True
                yield current.decompress(piece)
                piece = b""
                if current.eof:
                    piece, current, begun = current.unused_data, PACKINGS[packing](), False
    if begun:
        raise EOFError
