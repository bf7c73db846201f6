"""Where raw logs lie: in a folder, or in a bucket of S3 or what speaks like it.

A file is written once, under a key of its own, and never changed: who reads one reads what was sampled, whatever comes
in meanwhile. A key is `<account>/<user>/<id>`; new content gets a new one, and the old is deleted once nobody's row
names it any more.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkstemp
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from app.db.files import give, make_folders, refuse_link
from app.db.ids import new_id

FOLDER, ARRIVING = "transcripts", "arriving"
# What a reader or writer may take before its temporary file, or a file no row names, is taken for left behind.
ABANDONED = timedelta(hours=1)


class Gone(Exception):
    """There is no such file, or no longer."""


class StorageAway(OSError):
    """The bucket does not answer, or refuses: like a disk that fails, it is tried again later."""


class Kept(NamedTuple):
    key: str
    modified_at: datetime


class Storage(Protocol):
    """What files are kept in. `keep` takes a whole file of this machine; all of it is there afterwards, or nothing."""

    async def keep(self, file: Path, key: str) -> None: ...
    async def read(self, key: str, start: int, stop: int) -> bytes: ...
    async def delete(self, key: str) -> None: ...
    async def clear(self, place: str) -> None: ...
    def keys(self, account: UUID) -> AsyncIterator[Kept]: ...


def storage_of(url: str | None, data_dir: Path) -> Storage:
    """The bucket of TALLY_TRANSCRIPTS_URL, else a folder of the data directory."""
    return Folder(data_dir / FOLDER) if url is None else Bucket.at(url)


def arriving(data_dir: Path) -> Path:
    """An empty file of ours alone, beside the folder it may be moved into. What crashes left there goes."""
    folder = data_dir / FOLDER / ARRIVING
    make(folder)
    oldest = (datetime.now(UTC) - ABANDONED).timestamp()
    for left in folder.iterdir():
        # Another upload may be done with its own meanwhile.
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < oldest:
                left.unlink()
    handle, name = mkstemp(dir=folder)
    give(handle, Path(name))
    os.close(handle)
    return Path(name)


def make(folder: Path) -> list[Path]:
    """A folder that is nobody else's business, like those above it that were missing; which ones were."""
    for each in (folder.parent, folder):
        refuse_link(each)
    return make_folders(folder)


def move(file: Path, target: Path) -> list[Path]:
    """The folders that were made for it. One that is empty may be cleared at this moment: then it is made again."""
    while True:
        try:
            made = make(target.parent)
            file.replace(target)
        except FileNotFoundError:
            if not file.exists():
                raise
        else:
            return made


def new_key(account: UUID, user: UUID) -> str:
    return f"{account}/{user}/{new_id()}"


class Folder:
    """Files of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def keep(self, file: Path, key: str) -> None:
        await asyncio.to_thread(self._keep, file, self._root / key)

    def _keep(self, file: Path, target: Path) -> None:
        """Moved, so that no reader ever sees half of it; on the disk, name included, before anybody is told."""
        sync(file)
        made = move(file, target)
        for folder in (target.parent, *(folder.parent for folder in made)):
            sync(folder)

    async def read(self, key: str, start: int, stop: int) -> bytes:
        return await asyncio.to_thread(self._read, self._root / key, start, stop)

    def _read(self, path: Path, start: int, stop: int) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(stop - start)
        except FileNotFoundError:
            raise Gone from None

    async def delete(self, key: str) -> None:
        await asyncio.to_thread((self._root / key).unlink, missing_ok=True)

    async def clear(self, place: str) -> None:
        await asyncio.to_thread(self._clear, self._root / place)

    def _clear(self, folder: Path) -> None:
        """A name is an account's or a member's: it goes with what they had. Where something lies, it stays."""
        for each in (*within(folder), folder):
            with suppress(OSError):
                each.rmdir()

    async def keys(self, account: UUID) -> AsyncIterator[Kept]:
        for path in await asyncio.to_thread(self._files, str(account)):
            try:
                modified = path.stat().st_mtime
            except FileNotFoundError:
                continue
            yield Kept(str(path.relative_to(self._root)), datetime.fromtimestamp(modified, UTC))

    def _files(self, account: str) -> list[Path]:
        return [path for member in within(self._root / account) for path in within(member) if path.is_file()]


def within(folder: Path) -> list[Path]:
    """What lies in a folder; nothing in one that is cleared at this moment."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return list(folder.iterdir())
    return []


def sync(path: Path) -> None:
    """A file's content, or a folder's names, on the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bucket:
    """An object store, by `obstore`. Credentials come from the environment, under the names its provider gives them."""

    def __init__(self, store: Any) -> None:
        import obstore  # noqa: PLC0415 - an extra: needed only where files are kept in a bucket

        self._store, self._obstore = store, obstore
        self._refused = obstore.exceptions.BaseError

    @classmethod
    def at(cls, url: str) -> "Bucket":
        try:
            from obstore.store import from_url  # noqa: PLC0415
        except ModuleNotFoundError:
            raise StorageAway("TALLY_TRANSCRIPTS_URL needs the extra: pip install 'tally[s3]'.") from None
        return cls(from_url(url))

    async def keep(self, file: Path, key: str) -> None:
        """An object is there once all of it is."""
        try:
            await self._obstore.put_async(self._store, key, file)
        except self._refused as why:
            raise StorageAway(type(why).__name__) from None

    async def read(self, key: str, start: int, stop: int) -> bytes:
        if start == stop:
            return b""
        try:
            return bytes(await self._obstore.get_range_async(self._store, key, start=start, end=stop))
        except FileNotFoundError:
            raise Gone from None
        except self._refused as why:
            raise StorageAway(type(why).__name__) from None

    async def delete(self, key: str) -> None:
        try:
            await self._obstore.delete_async(self._store, key)
        except FileNotFoundError:
            pass
        except self._refused as why:
            raise StorageAway(type(why).__name__) from None

    async def clear(self, place: str) -> None:
        """A bucket has no folders."""

    async def keys(self, account: UUID) -> AsyncIterator[Kept]:
        try:
            async for page in self._obstore.list(self._store, prefix=str(account)):
                for found in page:
                    yield Kept(found["path"], found["last_modified"])
        except self._refused as why:
            raise StorageAway(type(why).__name__) from None
