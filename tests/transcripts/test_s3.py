"""Raw logs in a bucket, spoken to as S3 is: in, read, gone; and what a bucket that refuses does."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from app.db.addresses import Addresses
from app.transcripts.storage import Gone, StorageAway, new_key, storage_of
from tests.serving import serving
from tests.transcripts.library import TRANSCRIPTS, Library
from tests.transcripts.s3 import Store, bucket, environment
from tests.transcripts.test_processors import LOG

URL = "s3://bucket/logs"
# More than goes in one piece.
LARGE = bytes(range(256)) * 50_000


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with bucket() as found:
        for name, value in environment(found).items():
            monkeypatch.setenv(name, value)
        yield found


async def test_a_log_is_kept_read_in_any_part_listed_and_deleted(store: Store, tmp_path: Path) -> None:
    storage, account = storage_of(URL, tmp_path), uuid4()
    for content in (LARGE, b"small", b""):
        file, key = tmp_path / "arrived", new_key(account, uuid4())
        file.write_bytes(content)
        await storage.keep(file, key)
        assert store.objects[f"logs/{key}"] == content
        for start, stop in ((0, len(content)), (3, 5), (len(content) // 2, len(content))):
            if stop <= len(content):
                assert await storage.read(key, start, stop) == content[start:stop]
        assert [kept.key async for kept in storage.keys(account)] == [key]
        for _ in range(2):
            await storage.delete(key)
        assert store.objects == {}
        with pytest.raises(Gone):
            await storage.read(key, 0, 1)
    assert "PUT partNumber" in store.seen


async def test_wrong_credentials_are_a_bucket_that_is_away(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
    file = tmp_path / "arrived"
    file.write_bytes(LOG)
    with pytest.raises(StorageAway):
        await storage_of(URL, tmp_path).keep(file, new_key(uuid4(), uuid4()))
    assert store.objects == {}


async def test_uploads_are_processed_and_deleted_in_a_bucket(
    store: Store, addresses: Addresses, tmp_path: Path
) -> None:
    async with serving(addresses, TALLY_DATA_DIR=str(tmp_path), TALLY_TRANSCRIPTS_URL=URL) as api:
        company = await api.founder.company()
        storage = storage_of(URL, tmp_path)
        library = Library(api.client, api.founder.database, storage, company)
        log = await library.upload("a", LOG)
        assert list(store.objects.values()) == [LOG]
        store.refuses = True
        with pytest.raises(StorageAway):
            await library.process()
        store.refuses = False
        assert (await library.process("usage"))["processed"] == 1
        assert (await library.totals())["s"]["input"] == 7
        gone = await api.client.delete(f"{TRANSCRIPTS}/{log['id']}", headers=company.viewer.headers)
        assert (gone.status_code, store.objects) == (204, {})
