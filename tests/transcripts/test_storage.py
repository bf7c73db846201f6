"""Where raw logs lie: the same of a folder and of a bucket.

The bucket is obstore's own, in memory and in a folder; that S3 is spoken to is shown by test_s3.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from obstore.store import LocalStore, MemoryStore

from app.transcripts.storage import Bucket, Folder, Gone, Storage, StorageAway, arriving, new_key, storage_of

KINDS: dict[str, Callable[[Path], Storage]] = {
    "folder": lambda path: Folder(path / "kept"),
    "bucket in a folder": lambda path: Bucket(LocalStore(prefix=str(path), mkdir=True)),
    "bucket in memory": lambda _: Bucket(MemoryStore()),
}
CONTENT = bytes(range(256)) * 5_000


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    (tmp_path / "root").mkdir()
    return KINDS[request.param](tmp_path / "root")


def arrived(tmp_path: Path, content: bytes = CONTENT) -> Path:
    file = tmp_path / "arrived"
    file.write_bytes(content)
    return file


async def test_what_is_kept_is_read_in_any_part(storage: Storage, tmp_path: Path) -> None:
    key = new_key(uuid4(), uuid4())
    await storage.keep(arrived(tmp_path), key)
    for start, stop in ((0, len(CONTENT)), (0, 1), (1000, 70_000), (len(CONTENT) - 1, len(CONTENT)), (5, 5)):
        assert await storage.read(key, start, stop) == CONTENT[start:stop]


async def test_an_empty_log_is_a_log(storage: Storage, tmp_path: Path) -> None:
    key = new_key(uuid4(), uuid4())
    await storage.keep(arrived(tmp_path, b""), key)
    assert await storage.read(key, 0, 0) == b""


async def test_what_was_deleted_is_gone_and_may_be_deleted_again(storage: Storage, tmp_path: Path) -> None:
    key = new_key(uuid4(), uuid4())
    await storage.keep(arrived(tmp_path), key)
    for _ in range(2):
        await storage.delete(key)
    with pytest.raises(Gone):
        await storage.read(key, 0, 1)


async def test_an_accounts_files_are_listed_and_no_others(storage: Storage, tmp_path: Path) -> None:
    account, other = uuid4(), uuid4()
    keys = [new_key(account, uuid4()) for _ in range(3)]
    for key in (*keys, new_key(other, uuid4())):
        await storage.keep(arrived(tmp_path), key)
    found = [kept async for kept in storage.keys(account)]
    assert sorted(kept.key for kept in found) == sorted(keys)
    assert all(abs((datetime.now(UTC) - kept.modified_at).total_seconds()) < 60 for kept in found)
    assert [kept async for kept in storage.keys(uuid4())] == []


async def test_a_folder_is_nobody_elses_and_shows_no_half_written_file(tmp_path: Path) -> None:
    account, user = uuid4(), uuid4()
    storage = storage_of(None, tmp_path)
    file = arriving(tmp_path)
    file.write_bytes(CONTENT[:10])
    assert [kept async for kept in storage.keys(account)] == []
    await storage.keep(file, key := new_key(account, user))
    kept = tmp_path / "transcripts" / key
    assert kept.read_bytes() == CONTENT[:10]
    assert not file.exists()
    for path in (kept, kept.parent, kept.parent.parent, tmp_path / "transcripts"):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_an_empty_folder_of_an_account_or_member_is_cleared_and_no_other(tmp_path: Path) -> None:
    account, user, other = uuid4(), uuid4(), uuid4()
    storage, top = storage_of(None, tmp_path), tmp_path / "transcripts" / str(account)
    for key in (new_key(account, user), new_key(account, other)):
        await storage.keep(arrived(tmp_path), key)
        await storage.clear(f"{account}")
    assert sorted(path.name for path in top.iterdir()) == sorted([str(user), str(other)])
    (key,) = [kept.key async for kept in storage.keys(account) if str(user) in kept.key]
    await storage.delete(key)
    await storage.clear(f"{account}/{user}")
    assert [path.name for path in top.iterdir()] == [str(other)]
    (key,) = [kept.key async for kept in storage.keys(account)]
    await storage.delete(key)
    await storage.clear(f"{account}")
    assert not top.exists()
    await storage.clear(f"{account}")


async def test_a_log_finds_its_place_while_folders_are_cleared(tmp_path: Path) -> None:
    """Who was erased may send again at that moment."""
    account, user = uuid4(), uuid4()
    storage = storage_of(None, tmp_path)
    done = asyncio.Event()

    async def clear() -> None:
        while not done.is_set():
            await storage.clear(f"{account}")

    clearing = [asyncio.create_task(clear()) for _ in range(2)]
    for _ in range(100):
        await storage.keep(arrived(tmp_path, b"x"), key := new_key(account, user))
        assert await storage.read(key, 0, 1) == b"x"
        await storage.delete(key)
    done.set()
    await asyncio.gather(*clearing)


async def test_what_a_crash_left_on_its_way_is_cleared_after_an_hour(tmp_path: Path) -> None:
    left, fresh = arriving(tmp_path), arriving(tmp_path)
    os.utime(left, (0, 0))
    arriving(tmp_path)
    assert (left.exists(), fresh.exists()) == (False, True)


async def test_a_bucket_that_refuses_is_said_to_be_away(tmp_path: Path) -> None:
    """Whatever is wrong with it, nothing is lost: who asked is told to come again."""
    storage = Bucket(LocalStore(prefix=str(tmp_path)))
    (tmp_path / "a").write_bytes(b"not a folder")
    with pytest.raises(StorageAway):
        await storage.keep(arrived(tmp_path), "a/b/c")


def test_a_url_names_a_bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    found = storage_of("s3://bucket/some/prefix", tmp_path)
    assert isinstance(found, Bucket)
    assert 'bucket="bucket", prefix="some/prefix"' in repr(found._store)
