"""Small logs are read several to a transaction; one with something wrong hurts none of its neighbours."""

import pytest

from app.transcripts import pipeline
from app.transcripts.pipeline import Budget
from tests.people import Company
from tests.transcripts.conftest import Install
from tests.transcripts.library import Library
from tests.transcripts.reading import lines
from tests.transcripts.test_processors import LOG, WORDS

TRANSACTIONS = "SELECT count(*) FROM processor_state WHERE account_id = $1 AND processor = $2 GROUP BY xmin ORDER BY 1"
DUE_NOW = "UPDATE processor_state SET next_attempt_at = NULL WHERE account_id = $1 AND attempts > 0"
LOSE = "UPDATE transcripts SET storage_key = storage_key || 'x' WHERE account_id = $1 AND name = $2"


def log(n: int) -> bytes:
    return LOG.replace(b'"s"', b'"s%d"' % n).replace(b"request-1", b"request-%d" % n)


async def together(library: Library, processor: str) -> list[int]:
    """How many logs each transaction read."""
    return [row["count"] for row in await library.rows(TRANSACTIONS, processor)]


async def test_small_logs_share_a_transaction_and_count_as_each_alone(library: Library) -> None:
    for n in range(20):
        await library.upload(f"{n}.jsonl", log(n))
    details = await library.process("usage", "friction")
    assert (details["scanned"], details["processed"], details["skipped"]) == (20, 20, 0)
    assert await together(library, "usage") == await together(library, "friction") == [20]
    assert {name: row["input"] for name, row in (await library.totals()).items()} == {f"s{n}": 7 for n in range(20)}
    assert all(log["processed_at"] for log in await library.listed())
    linked = await library.rows("SELECT transcript_id, session_id FROM transcript_sessions WHERE account_id = $1")
    assert len(linked) == len({row["session_id"] for row in linked}) == 20


async def test_a_transaction_is_no_larger_than_a_portion_and_of_one_member(
    library: Library, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "LARGEST_BUNDLE", 3 * len(LOG) + 20)
    for n in range(5):
        await library.upload(f"{n}.jsonl", log(n))
    await library.upload("theirs.jsonl", log(9), company.engineer)
    await library.upload("large.jsonl", log(8) * 9)
    assert (await library.process("usage"))["processed"] == 7
    assert await together(library, "usage") == [1, 1, 2, 3]


@pytest.mark.parametrize("wrong", ["lost", "not yours"])
async def test_a_log_with_something_wrong_hurts_no_neighbour(library: Library, company: Company, wrong: str) -> None:
    if wrong == "not yours":
        await library.upload("0", log(3), company.engineer)
        await library.process("usage")
    for n in range(6):
        await library.upload(f"{n}.jsonl", log(n))
    if wrong == "lost":
        await library.execute(LOSE, "3.jsonl")
    details = await library.process("usage")
    failed = wrong == "lost"
    assert (details["scanned"], details["processed"], details["errors"]) == (6, 6 - failed, int(failed))
    states = {log["name"]: log["processors"][0] for log in await library.listed()}
    assert [name for name, state in states.items() if state["state"] != "done"] == ["3.jsonl"] * failed
    refused = {name: [problem["code"] for problem in state["problems"]] for name, state in states.items()}
    assert refused == {f"{n}.jsonl": ["not_yours"] if wrong == "not yours" and n == 3 else [] for n in range(6)}
    good = {name for name in await library.totals() if name.startswith("s")}
    assert good == {f"s{n}" for n in range(6) if not (failed and n == 3)}


async def test_any_of_another_package_is_read_alone(library: Library, install: Install) -> None:
    install(WORDS, "words = module:Words")
    for n in range(3):
        await library.upload(f"{n}.jsonl", log(n))
    await library.process("usage", "words")
    assert (await together(library, "usage"), await together(library, "words")) == ([3], [1, 1, 1])


async def test_one_that_failed_is_read_alone_and_costs_its_neighbours_nothing_more(library: Library) -> None:
    for n in range(3):
        await library.upload(f"{n}.jsonl", log(n))
    await library.execute(LOSE, "1.jsonl")
    assert (await library.process("usage"))["processed"] == 2
    assert await together(library, "usage") == [1, 1, 1], "nobody knew yet which one it was"
    await library.execute(DUE_NOW)
    for n in range(3, 6):
        await library.upload(f"{n}.jsonl", log(n))
    details = await library.process("usage")
    assert (details["processed"], details["errors"]) == (3, 1)
    assert await together(library, "usage") == [1, 1, 1, 3]
    await library.execute("UPDATE transcripts SET storage_key = rtrim(storage_key, 'x') WHERE account_id = $1")
    await library.execute(DUE_NOW)
    assert (await library.process("usage"))["processed"] == 1
    assert len(await library.totals()) == 6


async def test_a_budget_of_files_is_kept(library: Library) -> None:
    for n in range(5):
        await library.upload(f"{n}.jsonl", log(n))
    assert (await library.process("usage", budget=Budget(files=2)))["scanned"] == 2
    assert (await library.process("usage"))["scanned"] == 3


async def test_logs_that_tell_of_one_session_are_merged_as_they_would_be_one_by_one(library: Library) -> None:
    more = lines(
        {
            "type": "assistant",
            "sessionId": "s1",
            "requestId": "request-1",
            "message": {"model": "claude-x", "usage": {"input_tokens": 7, "output_tokens": 5}},
        }
    )
    await library.upload("a.jsonl", log(1))
    await library.upload("b.jsonl", more)
    await library.process("usage")
    row = (await library.totals())["s1"]
    assert (row["calls"], row["input"], row["output"]) == (1, 7, 5)
    assert await together(library, "usage") == [2]
