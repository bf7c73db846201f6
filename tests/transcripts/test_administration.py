"""What an admin sees of the processors and the worker's jobs, and a pass by hand: never two at a time."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.db import leases
from app.db.leases import Ended, Lease
from app.transcripts.passes import job_of
from tests.audit_rows import audited
from tests.people import Company
from tests.problem import is_problem
from tests.transcripts.conftest import Install
from tests.transcripts.library import Library
from tests.transcripts.reading import lines

RUN, PROCESSORS = "/api/v1/admin/run-session-processor", "/api/v1/admin/processors"
AT = datetime.now(UTC).isoformat()
USAGE = {"input_tokens": 7, "output_tokens": 1}
LOG = lines(
    {"type": "user", "sessionId": "s", "uuid": "u1", "timestamp": AT, "message": {"content": "hello"}},
    {
        "type": "assistant",
        "sessionId": "s",
        "timestamp": AT,
        "requestId": "request-1",
        "message": {"model": "claude-x", "usage": USAGE},
    },
)
POISONED = """
    class Words:
        name, version, cadence_s = "words", 1, 5.0

        def process(self, lines, context):
            raise ValueError
"""
DUE_NOW = "UPDATE processor_state SET next_attempt_at = NULL WHERE account_id = $1"


async def run(library: Library, processor: str) -> httpx.Response:
    headers = library.company.admin.headers
    return await library.client.post(RUN, params={"processor": processor}, headers=headers)


async def shown(library: Library) -> Any:
    answer = await library.client.get(PROCESSORS, headers=library.company.admin.headers)
    return answer.raise_for_status().json()


async def processor_shown(library: Library, name: str = "usage") -> Any:
    return next(one for one in (await shown(library))["processors"] if one["name"] == name)


async def held(library: Library, job: str) -> Lease:
    lease = await leases.claim(library.database, library.company.id, job)
    assert isinstance(lease, Lease)
    return lease


async def test_a_pass_by_hand_reads_what_waits_and_is_on_record(library: Library) -> None:
    await library.upload("a.jsonl", LOG)
    before = await processor_shown(library)
    assert (before["backlog"], before["last_run"], before["running"]) == (1, None, False)
    assert 0 <= before["lag_s"] < 60
    answer = await run(library, "usage")
    assert answer.status_code == 200
    details = answer.json()["details"]
    assert answer.json()["ok"] is True
    assert (details["processor"], details["scanned"], details["processed"], details["errors"]) == ("usage", 1, 1, 0)
    assert details["items_extracted"] > 0
    assert (await library.totals())["s"]["input"] == 7
    after = await processor_shown(library)
    assert (after["backlog"], after["lag_s"], after["running"]) == (0, None, False)
    assert (after["last_run"]["outcome"], after["last_run"]["items"]) == ("done", details["items_extracted"])
    assert after["recent_runs"] == [after["last_run"]]
    actions = [row.action for row in await audited(library.database, library.company.id)]
    assert actions.count("run_session_processor:usage") == 1


async def test_an_unknown_processor_is_answered_with_those_there_are(library: Library) -> None:
    answer = await run(library, "nonsense")
    assert is_problem(answer, 400)
    assert answer.json()["detail"] == "There is no such processor; there are: usage, friction."
    assert is_problem(await run(library, "a\0b"), 422)


async def test_one_that_is_running_already_is_a_conflict_wherever_it_runs(library: Library) -> None:
    lease = await held(library, job_of("usage"))
    assert is_problem(await run(library, "usage"), 409)
    assert (await processor_shown(library))["running"] is True
    # Others are not held up by it, and it may be run again once it is done.
    assert (await run(library, "friction")).status_code == 200
    await lease.run(nothing(), 60)
    assert (await run(library, "usage")).status_code == 200
    actions = [row.action for row in await audited(library.database, library.company.id)]
    assert actions.count("run_session_processor:usage") == 1


async def nothing() -> Ended:
    return Ended()


async def test_of_many_who_ask_at_once_each_is_answered_and_facts_count_once(library: Library) -> None:
    for n in range(4):
        await library.upload(f"{n}.jsonl", LOG)
    answers = await asyncio.gather(*(run(library, "usage") for _ in range(6)))
    codes = {answer.status_code for answer in answers}
    assert 200 in codes
    assert codes <= {200, 409}
    assert sum(a.json()["details"]["processed"] for a in answers if a.status_code == 200) == 4
    assert (await library.totals())["s"]["input"] == 7


async def test_another_companys_pass_is_no_conflict(library: Library, other_company: Company) -> None:
    assert isinstance(await leases.claim(library.database, other_company.id, job_of("usage")), Lease)
    assert (await run(library, "usage")).status_code == 200


async def test_what_was_set_aside_is_shown_until_it_is_released(library: Library, install: Install) -> None:
    install(POISONED, "words = module:Words")
    await library.upload("poison.jsonl", LOG)
    for _ in range(5):
        answer = await run(library, "words")
        assert answer.json()["details"]["errors"] == 1
        await library.execute(DUE_NOW)
    words = await processor_shown(library, "words")
    assert (words["backlog"], words["quarantined"], words["last_run"]["outcome"]) == (0, 1, "partly")
    (aside,) = words["quarantined_files"]
    assert (aside["name"], aside["attempts"], aside["last_error"]) == ("poison.jsonl", 5, "It raised ValueError.")
    headers = library.company.admin.headers
    released = await library.client.post(f"{PROCESSORS}/words/release", headers=headers)
    assert released.json() == {"released": 1}
    words = await processor_shown(library, "words")
    assert (words["backlog"], words["quarantined"], words["quarantined_files"]) == (1, 0, [])


@pytest.mark.parametrize("outcome", ["differs", "failed"])
async def test_the_workers_other_jobs_are_shown_as_they_ended(library: Library, outcome: Any) -> None:
    async def check() -> Ended:
        return Ended(outcome, 2, "Two sums differ.")

    await (await held(library, "check_rollups")).run(check(), 86_400)
    (job,) = (await shown(library))["jobs"]
    assert (job["name"], job["running"]) == ("check_rollups", False)
    told = {"outcome": outcome, "items": 2, "fault": "Two sums differ."}
    assert told.items() <= job["last_run"].items()
    assert job["recent_runs"] == [job["last_run"]]
