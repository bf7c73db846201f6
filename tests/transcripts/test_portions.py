"""What happens to a log while it is read: it is deleted, replaced, its file is lost."""

from datetime import UTC, datetime

import pytest

from app.transcripts.hands import Fault, Hand
from app.transcripts.pipeline import processors, record
from app.transcripts.portions import Desk, Reading
from app.transcripts.state import Superseded, due
from tests.people import Company
from tests.transcripts.library import TRANSCRIPTS, Library
from tests.transcripts.test_processors import LOG

ACCOUNT = "SELECT id, workspace_labels, workspace_salt FROM accounts WHERE id = $1"


async def begun(library: Library) -> Reading:
    """A pass of `usage` that has looked at the one log there is, and not yet read it."""
    known = processors()
    (account,) = await library.rows(ACCOUNT)
    desk = Desk(
        library.database,
        library.storage,
        account,
        known["usage"],
        tuple(known.values()),
        Hand.of(known["usage"], account),
    )
    async with library.database.transaction(library.company.id) as tx:
        (file,) = await due(tx, desk.processor, datetime.now(UTC), ())
    reading = Reading(desk, file)
    await reading.begin()
    return reading


async def test_a_log_that_is_deleted_while_it_is_read_leaves_nothing(library: Library, company: Company) -> None:
    """The file is still there for who has it open, so to speak: the row decides."""
    log = await library.upload("a", LOG)
    reading = await begun(library)
    row = "DELETE FROM transcripts WHERE account_id = $1 AND id = $2"
    await library.execute(row, log["id"])
    with pytest.raises(Superseded):
        await reading.step()
    assert await library.totals() == {}


async def test_a_log_whose_file_went_with_it_is_left_alone(library: Library, company: Company) -> None:
    log = await library.upload("a", LOG)
    reading = await begun(library)
    await library.client.delete(f"{TRANSCRIPTS}/{log['id']}", headers=company.viewer.headers)
    with pytest.raises(Superseded):
        await reading.step()


async def test_a_log_that_is_replaced_while_it_is_read_is_read_anew(library: Library) -> None:
    await library.upload("a", LOG)
    reading = await begun(library)
    await library.upload("a", LOG + LOG.replace(b"request-1", b"request-2"))
    with pytest.raises(Superseded):
        await reading.step()
    await library.process("usage")
    assert (await library.totals())["s"]["input"] == 14


async def test_what_is_appended_while_it_is_read_is_seen_the_next_time(library: Library) -> None:
    """The old file's reader is faster than its deletion: what it says stands, and the new is due."""
    await library.upload("a", LOG)
    reading = await begun(library)
    (old,) = await library.raw_files()
    content = await library.storage.read(old, 0, len(LOG))
    await library.upload("a", LOG + LOG.replace(b"request-1", b"request-2"))
    path = library.storage._root / old  # type: ignore[attr-defined]
    path.write_bytes(content)
    await reading.step()
    assert ((await library.totals())["s"]["input"], reading.is_read) == (7, True)
    assert (await library.process("usage"))["processed"] == 1
    assert (await library.totals())["s"]["input"] == 14


async def test_of_two_who_read_the_same_portion_one_is_too_late(library: Library) -> None:
    """Also where it would say that it failed: the log is read."""
    await library.upload("a", LOG)
    first, second = await begun(library), await begun(library)
    await first.step()
    with pytest.raises(Superseded):
        await second.step()
    await record(second._desk, second.file, "It raised ValueError.")
    (log,) = await library.listed()
    assert log["processors"][0]["state"] == "done"


async def test_a_log_whose_file_is_lost_is_an_error_of_that_log(library: Library) -> None:
    await library.upload("a", LOG)
    await library.upload("b", LOG.replace(b'"s"', b'"t"').replace(b"request-1", b"request-2"))
    (log,) = await library.rows("SELECT storage_key FROM transcripts WHERE account_id = $1 AND name = 'a'")
    await library.storage.delete(log["storage_key"])
    details = await library.process("usage")
    assert (details["processed"], details["errors_detail"][0]["detail"]) == (1, "The stored file is gone.")
    assert list(await library.totals()) == ["t"]


async def test_a_file_that_cannot_be_read_is_an_error_of_that_log(library: Library) -> None:
    await library.upload("a", LOG)
    (key,) = await library.raw_files()
    path = library.storage._root / key  # type: ignore[attr-defined]
    path.unlink()
    path.mkdir()
    reading = await begun(library)
    with pytest.raises(Fault, match="cannot be read"):
        await reading.step()
    path.rmdir()
