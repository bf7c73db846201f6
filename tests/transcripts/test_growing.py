"""A log that grows is read on where it was left; one that is another log is read from its beginning."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from fastapi import FastAPI

from app.transcripts.friction import NAMES
from tests.people import Founder
from tests.transcripts.conftest import Install
from tests.transcripts.corpus import Tree, each_tree
from tests.transcripts.library import BY_LOG, Library, called, library_of
from tests.transcripts.reading import lines
from tests.transcripts.test_processors import LOG, WORDS, state

BY_NAME = f"""
    SELECT f.name, a.external_id, {", ".join(NAMES)}
    FROM ({BY_LOG}) AS f LEFT JOIN ai_sessions a ON a.account_id = $1 AND a.id = f.session_id ORDER BY 1, 2
"""
# Each of the samples line by line; of longer logs, beside the repository, some lines at a time.
FEW = 70
STEPS = 8


async def counted(library: Library) -> tuple[Any, Any]:
    return await library.totals(), await library.rows(BY_NAME)


async def grow(library: Library, name: str, pieces: Iterable[bytes], *processors: str) -> None:
    for grown in itertools.accumulate(pieces):
        await library.upload(name, grown)
        await library.process(*processors)


def stretches(whole: Sequence[bytes]) -> list[bytes]:
    """Line by line, where there are few."""
    at_once = 1 if len(whole) <= FEW else -(-len(whole) // STEPS)
    return [b"".join(whole[at : at + at_once]) for at in range(0, len(whole), at_once)]


@each_tree
async def test_logs_that_grow_with_passes_in_between_count_as_those_read_at_once(
    tree: Tree, library: Library, app: FastAPI, founder: Founder
) -> None:
    once = library_of(app, library.client, await founder.company("Once"))
    for file in tree.files[:: 1 if len(tree.files) < 30 else 3]:
        content = file.read_bytes()
        await once.upload(called(tree.root, file), content)
        await grow(library, called(tree.root, file), stretches(content.splitlines(keepends=True)))
    await once.process()
    assert await counted(library) == await counted(once)


@pytest.mark.parametrize("size", [3, 40])
async def test_a_log_cut_anywhere_counts_as_the_whole(
    library: Library, app: FastAPI, founder: Founder, size: int
) -> None:
    content = LOG if size == 3 else LOG * 3
    once = library_of(app, library.client, await founder.company("Once"))
    await once.upload("a", content)
    await once.process()
    await grow(library, "a", [content[at : at + size] for at in range(0, len(content), size)])
    assert await counted(library) == await counted(once)
    problems = [each["problems"] for (log,) in [await library.listed()] for each in log["processors"]]
    assert problems == [[], []], "what was unfinished for a while is no problem once it is whole"


async def test_a_grown_log_is_read_on_not_anew(library: Library, install: Install) -> None:
    install(WORDS, "words = module:Words")
    await grow(library, "a", [LOG, LOG, LOG[:-5]], "words")
    row = await state(library, "words")
    assert (row["carried"]["own"], row["items"]) == ({"passes": 3}, 5)
    assert row["byte_offset"] == len(LOG) * 2 + LOG.index(b"\n") + 1


@pytest.mark.parametrize(
    "then",
    [LOG[: LOG.index(b"\n") + 1], b"", LOG.replace(b"hello", b"hullo") * 2, LOG[1:] * 3],
    ids=["truncated", "emptied", "rotated", "another"],
)
async def test_a_log_that_is_another_now_is_read_from_its_beginning(
    library: Library, install: Install, then: bytes
) -> None:
    install(WORDS, "words = module:Words")
    await grow(library, "a", [LOG, LOG], "words")
    await library.upload("a", then)
    await library.process("words")
    row = await state(library, "words")
    assert (row["carried"]["own"], row["items"], row["byte_offset"]) == ({"passes": 1}, then.count(b"\n"), len(then))


async def test_friction_of_a_log_that_is_another_now_is_its_own(library: Library) -> None:
    said = {"type": "user", "sessionId": "s", "message": {"content": "[Request interrupted by user]"}}
    stopped = [lines({**said, "uuid": f"u{n}"}) for n in range(4)]
    await grow(library, "a", [b"".join(stopped[:3])])
    assert [row["interruptions"] for row in await library.friction()] == [3]
    await grow(library, "a", [stopped[3]])
    assert [row["interruptions"] for row in await library.friction()] == [1]


async def test_a_log_of_no_known_agent_is_said_to_be_none_until_it_is_one(library: Library) -> None:
    strange = b'{"hello": 1}\n'
    await grow(library, "a", [strange])
    (log,) = await library.listed()
    usage = log["processors"][0]
    assert (log["form"], usage["state"], usage["problems"][0]["code"]) == (None, "done", "unknown_format")
    await library.upload("a", strange + LOG)
    await library.process()
    assert (await library.totals())["s"]["input"] == 7
    (log,) = await library.listed()
    assert (log["form"], log["processors"][0]["problems"]) == ("claude_code", [])


@pytest.mark.parametrize("mib", [3, 10, 20, 40])
async def test_a_line_longer_than_a_portion_loses_nothing_else(library: Library, mib: int) -> None:
    long = b'{"type":"user","sessionId":"s","message":{"content":"' + b"x" * mib * 2**20 + b'"}}\n'
    await library.upload("a", LOG.replace(b"request-1", b"request-0") + long + LOG)
    assert (await library.process("usage"))["processed"] == 1
    assert (await library.totals())["s"]["input"] == 14
    (log,) = await library.listed()
    found = [(problem["line"], problem["code"]) for problem in log["processors"][0]["problems"]]
    assert found == ([(3, "too_long")] if mib > 16 else [])
