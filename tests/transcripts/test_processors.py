"""Processors of other packages, and what happens when they misbehave: never to the others."""

from typing import Any

import pytest
from httpx import AsyncClient

from app.transcripts.pipeline import Budget, backlog, processors, quarantined
from tests.audit_rows import audited
from tests.people import Company
from tests.problem import is_problem
from tests.transcripts.conftest import Install
from tests.transcripts.library import Library
from tests.transcripts.reading import lines

LOG = lines(
    {"type": "user", "sessionId": "s", "uuid": "u1", "message": {"content": "hello"}},
    {
        "type": "assistant",
        "sessionId": "s",
        "requestId": "request-1",
        "message": {"model": "claude-x", "usage": {"input_tokens": 7}},
    },
)
WORDS = """
    class Words:
        name, version, cadence_s = "words", 1, 5.0

        def process(self, lines, context):
            if b"poison" in lines.content:
                raise ValueError(lines.content.decode())
            passes = (context.carried or {"passes": 0})["passes"] + 1
            return Result(items=sum(1 for _ in lines), carried={"passes": passes})
"""
DUE_NOW = "UPDATE processor_state SET next_attempt_at = NULL WHERE account_id = $1"
STATE = "SELECT * FROM processor_state WHERE account_id = $1 AND processor = $2"
RELEASE = "/api/v1/admin/processors/words/release"


async def state(library: Library, processor: str) -> dict[str, Any]:
    (row,) = await library.rows(STATE, processor)
    return row


async def test_a_processor_of_another_package_is_given_every_log(library: Library, install: Install) -> None:
    install(WORDS, "words = module:Words")
    await library.upload("a.jsonl", LOG)
    assert list(processors()) == ["usage", "friction", "words"]
    details = await library.process("words")
    assert details == {
        "processor": "words", "scanned": 1, "processed": 1, "skipped": 0, "errors": 0, "items_extracted": 2,
        "errors_detail": [],
    }  # fmt: skip
    (log,) = await library.listed()
    assert [(each["processor"], each["state"], each["items"]) for each in log["processors"]] == [
        ("usage", "waiting", 0), ("friction", "waiting", 0), ("words", "done", 2),
    ]  # fmt: skip


async def test_nothing_found_is_done(library: Library, install: Install) -> None:
    install(WORDS, "words = module:Words")
    await library.upload("empty.jsonl", b"")
    assert (await library.process("words"))["processed"] == 1
    assert (await library.process("words"))["scanned"] == 0


async def test_a_poisoned_log_stops_neither_other_logs_nor_other_processors(library: Library, install: Install) -> None:
    install(WORDS, "words = module:Words")
    for name, content in (("a", LOG), ("b", LOG.replace(b"hello", b"poison")), ("c", LOG)):
        await library.upload(name, content)
    details = await library.process("usage", "friction", "words")
    assert (details["processed"], details["errors"]) == (2, 1)
    assert [each["name"] for each in details["errors_detail"]] == ["b"]
    found = {log["name"]: log for log in await library.listed()}
    assert [each["state"] for each in found["b"]["processors"]] == ["done", "done", "failing"]
    assert {name: log["processed_at"] is not None for name, log in found.items()} == {"a": True, "b": False, "c": True}
    assert (await library.totals())["s"]["input"] == 7


async def test_what_a_processor_raised_is_named_and_nothing_of_the_log(library: Library, install: Install) -> None:
    install(WORDS, "words = module:Words")
    await library.upload("b", LOG.replace(b"hello", b"poison"))
    details = await library.process("words")
    assert details["errors_detail"][0]["detail"] == "It raised ValueError."
    assert (await state(library, "words"))["last_error"] == "It raised ValueError."


async def test_a_failure_leaves_the_state_rests_ever_longer_and_is_set_aside_the_fifth_time(
    library: Library, install: Install, company: Company, client: AsyncClient
) -> None:
    install(WORDS, "words = module:Words")
    await library.upload("b", LOG.replace(b"hello", b"poison"))
    pauses = []
    for attempt in range(1, 6):
        assert (await library.process("words"))["errors"] == 1
        assert (await library.process("words"))["scanned"] == 0, "it rests"
        row = await state(library, "words")
        assert (row["attempts"], row["byte_offset"], row["sha256"], row["carried"]) == (attempt, 0, None, None)
        if attempt < 5:
            ((pause,),) = [
                row.values()
                for row in await library.rows(
                    "SELECT round(extract(epoch FROM next_attempt_at - now()) / 60)::int FROM processor_state"
                    " WHERE account_id = $1"
                )
            ]
            pauses.append(pause)
            await library.execute(DUE_NOW)
    assert pauses == [1, 2, 4, 8]
    (log,) = await library.listed()
    assert log["processors"][2]["state"] == "quarantined"
    async with library.database.transaction(company.id) as tx:
        waiting = await backlog(tx, processors()["words"])
        (aside,) = await quarantined(tx, processors()["words"])
    assert (waiting["waiting"], waiting["quarantined"], aside["name"]) == (0, 1, "b")


async def set_aside(library: Library) -> None:
    await library.upload("b", LOG.replace(b"hello", b"poison"))
    for _ in range(5):
        await library.process("words")
        await library.execute(DUE_NOW)
    assert (await library.process("words"))["scanned"] == 0


async def test_what_was_set_aside_is_released_by_an_admin_and_that_is_on_record(
    library: Library, install: Install, company: Company, other_company: Company, client: AsyncClient
) -> None:
    install(WORDS, "words = module:Words")
    await set_aside(library)
    is_problem(await client.post(RELEASE, headers=company.engineer.headers), 403)
    assert (await client.post(RELEASE, headers=other_company.admin.headers)).json() == {"released": 0}
    assert (await client.post(RELEASE, headers=company.admin.headers)).json() == {"released": 1}
    assert (await library.process("words"))["errors"] == 1
    actions = [(row.action, row.parameters) for row in await audited(library.database, company.id)]
    assert ("processor.release:words", {"released": 1}) in actions


async def test_an_unknown_processor_is_not_released_and_the_known_are_named(
    client: AsyncClient, company: Company
) -> None:
    answer = await client.post("/api/v1/admin/processors/words/release", headers=company.admin.headers)
    assert "usage, friction" in is_problem(answer, 404)["detail"]


async def test_new_content_and_a_new_version_end_a_quarantine(library: Library, install: Install) -> None:
    install(WORDS, "words = module:Words")
    await set_aside(library)
    await library.upload("b", LOG)
    assert (await library.process("words"))["processed"] == 1
    await set_aside(library)
    await library.execute("UPDATE processor_state SET version = 0 WHERE account_id = $1")
    assert (await library.process("words"))["errors"] == 1
    assert (await state(library, "words"))["attempts"] == 1


async def test_a_new_version_reads_every_log_again(library: Library, install: Install) -> None:
    install(WORDS, "words = module:Words")
    await library.upload("a", LOG)
    await library.process("words")
    await library.execute("UPDATE processor_state SET version = 0 WHERE account_id = $1")
    assert (await library.process("words"))["processed"] == 1
    row = await state(library, "words")
    assert (row["version"], row["items"], row["carried"]["own"]) == (1, 2, {"passes": 1})


RETURNED = {
    "nothing": "None",
    "a dict": "{}",
    "the class": "Result",
    "items that are a text": "Result(items='2')",
    "items below zero": "Result(items=-1)",
    "an offset before the portion": "Result(offset=-1)",
    "an offset beyond it": "Result(offset=10**9)",
    "an offset that is none": "Result(offset='x')",
    "rows of an unknown kind": "Result(rows={'prompts': []})",
    "rows that are none": "Result(rows=7)",
    "problems that are texts": "Result(problems=['bad'])",
    "a problem that quotes": "Result(problems=[Problem(1, 'bad', 'a\\nb' * 200)])",
    "friction of another name": "Result(friction={'s': {'anger': ['a']}})",
    "friction as counts": "Result(friction={'s': {'retries': 1}})",
    "carried that is no JSON": "Result(carried={'a': object()})",
    "carried that is everything": "Result(carried={'a': 'x' * 300_000})",
}


@pytest.mark.parametrize("returned", RETURNED.values(), ids=RETURNED)
async def test_a_wrong_result_is_an_error_of_that_processor_and_no_crash(
    library: Library, install: Install, returned: str
) -> None:
    install(
        f"""
        class Words:
            name, version, cadence_s = "words", 1, 5.0
            def process(self, lines, context):
                return {returned}
        """,
        "words = module:Words",
    )
    await library.upload("a", LOG)
    details = await library.process("words")
    assert (details["errors"], details["processed"]) == (1, 0)
    assert details["errors_detail"][0]["detail"].startswith(("It returned", "Its result's"))
    assert (await library.process("usage"))["processed"] == 1


@pytest.mark.parametrize("error", ["SystemExit", "KeyboardInterrupt", "StopIteration", "GeneratorExit", "MemoryError"])
async def test_whatever_it_raises_it_raises_in_there(library: Library, install: Install, error: str) -> None:
    install(WORDS.replace("ValueError(lines.content.decode())", f"{error}()"), "words = module:Words")
    await library.upload("b", LOG.replace(b"hello", b"poison"))
    assert (await library.process("words"))["errors_detail"][0]["detail"] == f"It raised {error}."


async def test_packages_that_bring_no_processor_are_left_out_and_the_others_go_on(install: Install) -> None:
    install("raise RuntimeError", "broken = module:Words")
    install("class Words: name = 'words'", "half = module:Words")
    install(WORDS.replace('"words"', '"usage"'), "usurper = module:Words")
    install(WORDS.replace('"words"', '"Bad Name"'), "named = module:Words")
    install(WORDS.replace("1, 5.0", "'1', 5.0"), "versioned = module:Words")
    install(WORDS, "words = module:Words")
    found = processors()
    assert list(found) == ["usage", "friction", "words"]
    assert type(found["usage"]).__module__ == "app.transcripts.processors.usage"


async def test_rows_of_a_processor_become_facts_and_those_that_may_not_are_named(
    library: Library, install: Install
) -> None:
    install(
        """
        class Words:
            name, version, cadence_s = "words", 1, 5.0
            def process(self, lines, context):
                good = {"id": "mine", "created_at": "2026-05-03T10:00:00Z"}
                return Result(items=2, rows={"sessions": [good, good | {"title": "secret"}]})
        """,
        "words = module:Words",
    )
    await library.upload("a", LOG)
    assert (await library.process("words"))["processed"] == 1
    assert list(await library.totals()) == ["mine"]
    (log,) = await library.listed()
    (problem,) = log["processors"][2]["problems"]
    assert (problem["line"], problem["code"]) == (0, "unknown_field")


async def test_a_log_of_another_members_session_changes_nothing_in_it(library: Library, company: Company) -> None:
    await library.upload("mine", LOG, company.viewer)
    await library.process("usage", "friction")
    before = await library.totals(), await library.friction()
    stopped = {"type": "user", "sessionId": "s", "message": {"content": "[Request interrupted by user]"}}
    theirs = LOG.replace(b"7}", b"9}").replace(b"u1", b"u2") + lines(stopped)
    await library.upload("theirs", theirs, company.engineer)
    await library.process("usage", "friction")
    assert (await library.totals(), await library.friction()) == before
    (log,) = await library.listed(company.engineer)
    assert [problem["code"] for problem in log["processors"][0]["problems"]] == ["not_yours"]


async def test_a_pass_ends_with_its_budget_and_the_next_goes_on(library: Library) -> None:
    for name in "abcde":
        await library.upload(name, LOG)
    assert (await library.process("usage", budget=Budget(files=2)))["processed"] == 2
    details = await library.process("usage", budget=Budget(seconds=-1))
    assert details["processed"] == 0
    assert (await library.process("usage"))["processed"] == 3


async def test_raw_logs_are_deleted_once_every_processor_is_done_where_the_account_says_so(
    library: Library, company: Company, client: AsyncClient
) -> None:
    setting = {"keep_transcripts": False}
    (await client.patch("/api/v1/account", json=setting, headers=company.admin.headers)).raise_for_status()
    await library.upload("a", LOG)
    await library.process("friction")
    assert len(await library.raw_files()) == 1, "usage has not read it yet"
    await library.process("usage")
    assert await library.raw_files() == []
    (log,) = await library.listed()
    assert (log["kept"], log["processed_at"] is not None) == (False, True)
    assert (await library.upload("a", LOG))["result"] == "unchanged"
    assert (await library.upload("a", LOG + LOG))["result"] == "replaced"
    await library.process("usage", "friction")
    assert await library.raw_files() == []
