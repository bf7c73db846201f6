"""A log on its way in: into a file of ours, unpacked, measured and recognised, with little of it ever in memory."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from app.transcripts.formats.log import Recogniser
from app.transcripts.packing import ZSTD, Cut, NotPacked, Unpacker, gunzip, packing_of, unpacked_by, unzstd
from app.transcripts.storage import arriving
from app.web.bodies import TooLarge
from app.web.problems import BadRequest, ContentTooLarge, Unavailable, Unprocessable, UnsupportedMedia
from app.web.requests import until_left

KIB = 1024
# What a form adds around its file.
AROUND = 64 * KIB
ARRIVAL_S = 300.0
PATIENCE_S = 5.0
CHUNK = 64 * KIB
WINDOW = 32 * 2**20
# Logs that are unpacked at once, each of another account: who sends many waits for their own, not others for them.
AT_ONCE = asyncio.Semaphore(3)
OF_ACCOUNT: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
PACKINGS: dict[str, Unpacker] = {"gzip": gunzip, "zstd": unzstd(WINDOW)}
TOO_LARGE = "A session log may have at most {} bytes, also once unpacked: it can be read where it lies, by tally push."
FORM_BODY = (
    "A form's fields are no session log: send the log itself as application/x-ndjson, or as a file in a form, as"
    " curl -F file=@log.jsonl does."
)
CUT = "The log is packed and ends in the middle, so it is not whole: wait until it is written, then send it again."
NO_FORM = "The form cannot be read as multipart/form-data: let your client make it, as curl -F file=@log.jsonl does."
MORE_THAN_A_FILE = "A form holds one file and nothing else, as in curl -F file=@log.jsonl; a name goes into ?name=."
NOT_PACKED = "The log is not the whole gzip or zstd stream that it is said to be, or begins as: pack it again."


@dataclass(frozen=True)
class Packed:
    """As it was sent; `name` is the file's own, where a form told it."""

    file: Path
    packing: str
    name: str | None


@dataclass(frozen=True)
class Arrived:
    """`file` is the caller's to move away."""

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
        name = await arrive(request, packed, largest, is_form=kind == "multipart/form-data")
        async with place(request.state.caller["account_id"]):
            found = await unpack_apart(request, Packed(packed, packing, name), unpacked, largest)
        # Said by curl of any body, unless it is told what to say: then it is the log.
        if kind == "application/x-www-form-urlencoded" and found.form is None:
            raise UnsupportedMedia(FORM_BODY)
        yield found
    finally:
        packed.unlink(missing_ok=True)
        unpacked.unlink(missing_ok=True)


async def arrive(request: Request, file: Path, largest: int, *, is_form: bool) -> str | None:
    """The body as it was sent, on disk; one that takes too long is given up."""
    try:
        async with asyncio.timeout(ARRIVAL_S):
            if is_form:
                return await arrive_in_form(request, file)
            with file.open("wb") as out:
                async for chunk in request.stream():
                    out.write(chunk)
    except TooLarge:
        raise ContentTooLarge(TOO_LARGE.format(largest)) from None
    except TimeoutError:
        raise BadRequest(f"The log took longer than {ARRIVAL_S:.0f} s to arrive: pack it, or try again.") from None
    return None


async def arrive_in_form(request: Request, file: Path) -> str | None:
    async with whole_form(request) as form:
        sent = next((value for value in form.values() if isinstance(value, UploadFile)), None)
        if sent is None:
            raise Unprocessable("The form holds no whole file: send one, as curl -F file=@log.jsonl does.")
        with file.open("wb") as out:
            while chunk := await sent.read(CHUNK):
                out.write(chunk)
        return sent.filename


@asynccontextmanager
async def whole_form(request: Request) -> AsyncIterator[FormData]:
    """The framework says what is wrong with a form in words for who wrote its parser."""
    try:
        form = await request.form(max_files=1, max_fields=0)
    except HTTPException as error:
        if error.status_code != BadRequest.status:
            raise
        raise BadRequest(MORE_THAN_A_FILE if error.detail.startswith("Too many") else NO_FORM) from None
    try:
        yield form
    finally:
        await form.close()


@asynccontextmanager
async def place(account: str) -> AsyncIterator[None]:
    async with AsyncExitStack() as taken:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await taken.enter_async_context(OF_ACCOUNT.setdefault(account, asyncio.Lock()))
                await taken.enter_async_context(AT_ONCE)
        except TimeoutError:
            raise Unavailable("Tally is taking in as many logs as it can; nothing was lost, try again.") from None
        yield


async def unpack_apart(request: Request, packed: Packed, unpacked: Path, largest: int) -> Arrived:
    """In a thread, which cannot be cancelled: it looks up between chunks whether anybody still waits for it."""
    left = threading.Event()
    watch = asyncio.create_task(until_left(request, left.set))
    try:
        return await asyncio.to_thread(unpack, packed, unpacked, largest, left)
    finally:
        left.set()
        watch.cancel()
        await asyncio.wait((watch,))


def unpack(packed: Packed, unpacked: Path, largest: int, left: threading.Event) -> Arrived:
    digest, size, recogniser = hashlib.sha256(), 0, Recogniser()
    try:
        with unpacked.open("wb") as out:
            for chunk in contents(packed.file, packed.packing):
                size += len(chunk)
                if size > largest:
                    raise ContentTooLarge(TOO_LARGE.format(largest))
                if left.is_set():
                    raise ClientDisconnect
                digest.update(chunk)
                out.write(chunk)
                recogniser.feed(chunk)
    except Cut:
        raise BadRequest(CUT) from None
    except NotPacked:
        raise BadRequest(NOT_PACKED) from None
    return Arrived(unpacked, packed.name, digest.hexdigest(), size, recogniser.end())


def contents(file: Path, packing: str) -> Iterator[bytes]:
    """Unpacked as the request says, then once more where what was sent is a packed file."""
    chunks = pieces(file)
    if packing != "identity":
        chunks = unpacked_by(PACKINGS[packing], chunks)
    first = beginning(chunks)
    inner = packing_of(first)
    whole = chained(first, chunks)
    return whole if inner is None else unpacked_by(PACKINGS[inner], whole)


def pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk


def beginning(chunks: Iterator[bytes]) -> bytes:
    """Enough of it to tell how it is packed, if there is as much."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= len(ZSTD):
            break
    return first


def chained(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks
