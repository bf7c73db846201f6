"""R9, and R7 of session logs: what comes in as a log counts once, however broken, however often, whatever dies."""

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.settings import Settings
from app.transcripts.pipeline import sweep
from tests.dying import Died, dying
from tests.people import Founder
from tests.transcripts.corpus import SAMPLES, Tree
from tests.transcripts.library import Library, called, library_of
from tests.transcripts.reading import lines
from tests.transcripts.test_growing import counted

MIB = 2**20


def call(n: int, tokens: int = 1, text: str = "") -> bytes:
    message = {"model": "claude-x", "usage": {"input_tokens": tokens}, "content": [{"type": "text", "text": text}]}
    return lines({"type": "assistant", "sessionId": "s", "requestId": f"request-{n:06}", "message": message})


def stopped(n: int) -> bytes:
    return lines(
        {"type": "user", "sessionId": "s", "uuid": f"u{n}", "message": {"content": "[Request interrupted by user]"}}
    )


BROKEN = (
    b"\xef\xbb\xbf" + call(1)  # 1: a byte order mark
    + call(2).replace(b"\n", b"\r\n")  # 2: CRLF
    + call(3)[:-1] + b"\0\0\n"  # 3: NUL
    + call(4, text="x").replace(b'"x"', b'"\\ud800"')  # 4: half a pair
    + call(5, text="x" * 10 * MIB)  # 5: 10 MB
    + call(6, text="x").replace(b'"x"', b'"\xff\xfe"')  # 6: bad UTF-8
    + call(7)[:-1] + call(8)  # 7: two on one line
    + b"\n"  # 8: nothing
    + b"// a note\n"  # 9: a comment
    + call(9)[:40] + b"\n"  # 10: cut
    + call(10)
    + call(11)[:-20]  # 12: not finished
)  # fmt: skip
FOUND = [(1, "bom"), (3, "nul"), (6, "bad_utf8"), (7, "joined"), (8, "blank"), (9, "comment"), (10, "cut")]
GOOD = 9


async def version(library: Library) -> int:
    (row,) = await library.rows("SELECT version FROM account_versions WHERE account_id = $1")
    return int(row["version"])


async def problems(library: Library) -> list[tuple[int, str]]:
    (log,) = await library.listed()
    return [(each["line"], each["code"]) for each in log["processors"][0]["problems"]]


async def test_a_broken_log_counts_all_that_is_good_in_it_and_names_the_rest_by_line(library: Library) -> None:
    await library.upload("a", BROKEN)
    await library.process()
    assert (await library.totals())["s"]["calls"] == GOOD
    found = await problems(library)
    assert [each for each in found if each[0] != 4] == [*FOUND, (12, "unfinished")]


async def test_the_same_log_again_and_under_another_name_adds_nothing(library: Library) -> None:
    await library.upload("a", BROKEN)
    await library.process()
    before = await library.totals(), await version(library)
    await library.upload("a", BROKEN)
    await library.upload("b", BROKEN)
    await library.process()
    assert (await library.totals(), await version(library)) == before


async def test_a_grown_log_adds_its_new_lines_alone(library: Library) -> None:
    await library.upload("a", BROKEN)
    await library.process()
    read = "SELECT byte_offset FROM processor_state WHERE account_id = $1 AND processor = 'usage'"
    ((reached,),) = [row.values() for row in await library.rows(read)]
    assert reached == len(BROKEN) - len(call(11)[:-20])
    await library.upload("a", BROKEN + call(11)[-20:] + call(12))
    details = await library.process("usage")
    assert (details["processed"], (await library.totals())["s"]["calls"]) == (1, GOOD + 2)
    assert [each for each in await problems(library) if each[0] != 4] == FOUND


async def test_passes_that_race_count_as_one(library: Library, app: FastAPI, founder: Founder) -> None:
    once = library_of(app, library.client, await founder.company("Once"))
    tree = Tree(SAMPLES)
    for each in (once, library):
        for file in tree.files:
            await each.upload(called(tree.root, file), file.read_bytes())
        await each.upload("long", b"".join(call(n) + stopped(n) for n in range(6_000)))
    await once.process()
    await asyncio.gather(*(library.process(*names) for names in (("usage", "friction"), ("friction", "usage")) * 2))
    assert await counted(library) == await counted(once)


@pytest.fixture
def died(settings: Settings) -> Iterator[Died]:
    assert settings.database_url is not None
    assert settings.jwt_secret is not None
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "TALLY_DATA_DIR": str(settings.data_dir),
        "TALLY_JWT_SECRET": settings.jwt_secret.get_secret_value(),
    }
    with dying("tests.transcripts.killed", environment) as found:
        yield found


async def swept(library: Library, settings: Settings) -> list[str]:
    """The raw files that are left once those that no row names have gone."""
    for key in await library.raw_files():
        os.utime(settings.data_dir / "transcripts" / key, (0, 0))
    await sweep(library.database, library.storage, library.company.id)
    return await library.raw_files()


async def test_a_pass_killed_at_any_step_loses_and_doubles_nothing(
    library: Library,
    app: FastAPI,
    founder: Founder,
    settings: Settings,
    died: Died,
) -> None:
    once = library_of(app, library.client, await founder.company("Once"))
    for each in (once, library):
        await each.execute("UPDATE accounts SET keep_transcripts = false WHERE id = $1")
        await each.upload("long", b"".join(call(n, 5) + stopped(n) for n in range(4_000)))
        await each.upload("short", BROKEN[-500:])
    await once.process()
    step = 1
    while await asyncio.to_thread(died, step, "passes", library.company.id):
        step += 1
    assert step > 7
    assert await counted(library) == await counted(once)
    assert await swept(library, settings) == []


async def test_an_upload_killed_at_any_step_leaves_the_log_as_it_was_or_as_it_is(
    library: Library, settings: Settings, tmp_path: Path, died: Died
) -> None:
    """Longer each time, so that each replaces a log and its file: whatever the row says, its file is there."""
    logs = [b"".join(call(n) for n in range(1, length)) for length in range(2, 40)]
    lengths = {hashlib.sha256(log).hexdigest(): log.count(b"\n") for log in logs}
    await library.upload("a", logs[0])
    step, came, file, has_died = 0, 1, tmp_path / "log", True
    while has_died:
        step += 1
        file.write_bytes(logs[step])
        has_died = await asyncio.to_thread(died, step, "upload", library.company.viewer.token, file)
        (row,) = await library.listed()
        came, before = lengths[row["sha256"]], came
        assert came in ((before, step + 1) if has_died else (step + 1,))
        assert (await library.process())["errors"] == 0
        assert (await library.totals())["s"]["calls"] == came
    assert step > 7
    assert len(await swept(library, settings)) == 1
    assert (await library.upload("a", logs[step]))["result"] == "unchanged"


async def test_a_thousand_small_logs_are_read_in_one_pass(library: Library) -> None:
    async def bring(numbers: range) -> None:
        for n in numbers:
            await library.upload(f"{n}.jsonl", call(n).replace(b'"s"', b'"s%d"' % n))

    await asyncio.gather(*(bring(range(start, 1_000, 5)) for start in range(5)))
    began = time.monotonic()
    details = await library.process("usage")
    sys.stderr.write(f"1,000 logs in {time.monotonic() - began:.1f} s\n")
    assert (details["processed"], len(await library.totals())) == (1_000, 1_000)
