"""Importing journals: strict or as well as can be, again, grown, cut, replaced, rebuilt: the numbers stay right."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from app.db.engine import Database
from app.facts import upkeep
from app.facts.members import Sender
from app.transcripts import journals
from app.transcripts.journals import Choices, Corrupt, Import, Report
from app.web.problems import Conflict
from tests.people import Company

NOW = datetime.now(UTC).replace(microsecond=0)
THREADS, TURNS = 3, 4


def event(kind: str, minute: float, thread: str, **more: Any) -> str:
    at = (NOW - timedelta(days=2) + timedelta(minutes=minute)).isoformat()
    return json.dumps({"type": kind, "at": at, "thread_id": thread, **more}) + "\n"


def lines(threads: int = THREADS) -> list[str]:
    """Each thread: some turns, each with a tool call; every third turn fails."""
    found = []
    for thread in (f"thread-{n}" for n in range(threads)):
        found.append(event("thread.created", 0, thread, provider="anthropic", model="claude-sonnet-4-5"))
        for n in range(TURNS):
            own = {"turn_id": f"turn-{n}", "model": "claude-sonnet-4-5", "agent_name": "coder"}
            call = {**own, "tool_call_id": f"call-{n}", "name": "search"}
            usage = {"input_tokens": 10 + n, "output_tokens": 100, "cache_read_tokens": 7, "cache_creation_tokens": 1}
            found += [
                event("turn.started", n, thread, **own),
                event("tool_call.started", n + 0.1, thread, **call),
                event("tool_call.completed", n + 0.2, thread, **call, is_error=n == 1),
                event("turn.failed" if n % 3 == 2 else "turn.completed", n + 0.5, thread, **own, usage=usage),
            ]
    return found


TOKENS = THREADS * (TURNS * (10 + 108) + sum(range(TURNS)))
WHOLE = (THREADS * TURNS, TOKENS, THREADS, THREADS, THREADS * TURNS, THREADS, 30_000.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every few lines a transaction of their own."""
    monkeypatch.setattr(journals, "CHUNK", 700)


def fill(path: Path, parts: Iterable[str]) -> None:
    path.write_text("".join(parts))


def importing(database: Database, company: Company, path: Path, **choices: bool) -> Import:
    return Import(database, Choices(Sender(company.id, None, is_admin=True), **choices), path)


async def bring(database: Database, company: Company, path: Path, **choices: bool) -> Report:
    journal = importing(database, company, path, **choices)
    async for _ in journal.run():
        pass
    return journal.report


async def numbers(client: AsyncClient, company: Company) -> tuple[Any, ...]:
    """Messages, tokens, sessions, errors; tool calls, their errors; how long a turn took."""
    usage = (await client.get("/api/v1/analytics/usage", headers=company.engineer.headers)).json()
    tools = (await client.get("/api/v1/analytics/tools", headers=company.engineer.headers)).json()["tools"]
    calls = sum(tool["call_count"] for tool in tools), sum(tool["error_count"] for tool in tools)
    named = ("total_messages", "total_tokens", "total_sessions", "error_count")
    return (*(usage[name] for name in named), *calls, usage["avg_response_time_ms"])


async def differences(database: Database, company: Company) -> list[Any]:
    return [d async for progress in upkeep.verify(database, company.id) for d in progress.differences]


async def test_a_journal_is_in_every_report(
    database: Database, client: AsyncClient, company: Company, path: Path
) -> None:
    fill(path, lines())
    report = await bring(database, company, path)
    assert await numbers(client, company) == WHOLE
    told = len(lines())
    assert (report.lines_read, report.rows, report.errors, report.skipped_by_offset) == (told, told, 0, 0)


async def test_again_nothing_is_read_and_nothing_changes(
    database: Database, client: AsyncClient, company: Company, path: Path
) -> None:
    fill(path, lines())
    await bring(database, company, path)
    report = await bring(database, company, path)
    assert (report.lines_read, report.rows, report.skipped_by_offset) == (0, 0, len(lines()))
    assert await numbers(client, company) == WHOLE


async def test_grown_line_by_line_and_cut_anywhere_it_is_as_if_read_at_once(
    database: Database, client: AsyncClient, company: Company, path: Path
) -> None:
    text, waited = "".join(lines()), 0
    for end in [*range(150, len(text), 331), len(text)]:
        fill(path, [text[:end]])
        waited += len((await bring(database, company, path)).noticed)
    assert waited > 10
    assert await numbers(client, company) == WHOLE
    assert await differences(database, company) == []


async def test_in_any_order_a_beginning_meets_its_end(
    database: Database, client: AsyncClient, company: Company, path: Path, small: None
) -> None:
    fill(path, reversed(lines()))
    await bring(database, company, path)
    assert await numbers(client, company) == WHOLE


async def test_a_corrupt_line_is_named_and_nothing_of_the_file_is_stored(
    database: Database, client: AsyncClient, company: Company, path: Path, small: None
) -> None:
    before = await numbers(client, company)
    spoilt = lines()
    spoilt[30] = '{"type": "turn.star\n'
    fill(path, spoilt)
    with pytest.raises(Corrupt, match=rf"^{path}:31: "):
        await bring(database, company, path)
    assert await numbers(client, company) == before
    fill(path, lines())
    assert (await bring(database, company, path)).skipped_by_offset == 0
    assert await numbers(client, company) == WHOLE


async def test_a_corrupt_line_that_is_appended_keeps_what_was_read_before(
    database: Database, client: AsyncClient, company: Company, path: Path
) -> None:
    fill(path, lines())
    await bring(database, company, path)
    fill(path, [*lines(), "nonsense\n"])
    with pytest.raises(Corrupt, match=rf":{len(lines()) + 1}: "):
        await bring(database, company, path)
    assert await numbers(client, company) == WHOLE


@pytest.mark.parametrize("row", [{"at": "2199-01-01T00:00:00Z"}, {"turn_id": None}, {"usage": {"output_tokens": -1}}])
async def test_a_row_that_cannot_come_in_is_a_corrupt_line(
    database: Database, client: AsyncClient, company: Company, path: Path, row: dict[str, Any]
) -> None:
    bad = json.loads(event("turn.completed", 1, "thread-0", turn_id="x")) | row
    fill(path, [*lines(), json.dumps(bad), "\n"])
    with pytest.raises(Corrupt, match=rf":{len(lines()) + 1}: "):
        await bring(database, company, path)
    report = await bring(database, company, path, best_effort=True)
    assert (report.errors, report.errors_detail[0]["line"]) == (1, len(lines()) + 1)
    assert await numbers(client, company) == WHOLE


async def test_as_well_as_can_be_every_other_line_counts(
    database: Database, client: AsyncClient, company: Company, path: Path, small: None
) -> None:
    spoilt = [part for line in lines() for part in (line, "nonsense\n")]
    fill(path, spoilt)
    report = await bring(database, company, path, best_effort=True)
    assert report.errors == len(lines())
    assert [error["line"] for error in report.errors_detail] == [2 * n + 2 for n in range(len(report.errors_detail))]
    assert await numbers(client, company) == WHOLE


async def test_cut_off_anywhere_the_next_run_goes_on(
    database: Database, client: AsyncClient, company: Company, path: Path, small: None
) -> None:
    fill(path, lines())
    for transactions in (1, 2, 3):
        run = importing(database, company, path, best_effort=True).run()
        for _ in range(transactions):
            await anext(run)
        await run.aclose()
    report = await bring(database, company, path)
    assert report.skipped_by_offset > 6
    assert report.lines_read + report.skipped_by_offset == len(lines())
    assert await numbers(client, company) == WHOLE


@pytest.mark.parametrize("instead", [lines()[20:30], lines()[::-1]], ids=["truncated", "replaced"])
async def test_another_file_in_its_place_is_noticed_and_read(
    database: Database, client: AsyncClient, company: Company, path: Path, instead: list[str]
) -> None:
    fill(path, lines()[:20])
    await bring(database, company, path)
    fill(path, instead)
    report = await bring(database, company, path)
    assert [notice.partition(":")[0] for notice in report.noticed] == ["truncated" if len(instead) < 20 else "replaced"]
    assert report.skipped_by_offset == 0
    fill(path, lines())
    await bring(database, company, path)
    assert await numbers(client, company) == WHOLE


async def test_rebuilt_it_gives_the_same_numbers(
    database: Database, client: AsyncClient, company: Company, path: Path, small: None
) -> None:
    fill(path, lines())
    await bring(database, company, path)
    report = await bring(database, company, path, rebuild=True)
    assert (report.sessions_cleared, report.skipped_by_offset, report.rows) == (THREADS, 0, len(lines()))
    assert await numbers(client, company) == WHOLE
    assert await differences(database, company) == []


async def test_rebuilt_what_is_no_longer_in_the_file_is_gone_and_other_files_tell_theirs_again(
    database: Database, client: AsyncClient, company: Company, path: Path
) -> None:
    other = path.with_name("other.jsonl")
    fill(path, lines())
    fill(other, lines(threads=1))
    for file in (path, other):
        await bring(database, company, file)
    fill(path, lines()[-17:])
    await bring(database, company, path, rebuild=True)
    assert (await numbers(client, company))[0] == TURNS
    assert (await bring(database, company, other)).skipped_by_offset == 0
    assert (await numbers(client, company))[0] == 2 * TURNS
    assert await differences(database, company) == []


async def test_a_corrupt_file_is_not_rebuilt(
    database: Database, client: AsyncClient, company: Company, path: Path
) -> None:
    fill(path, lines())
    await bring(database, company, path)
    fill(path, [*lines(), "nonsense\n"])
    with pytest.raises(Corrupt):
        await bring(database, company, path, rebuild=True)
    assert await numbers(client, company) == WHOLE


async def test_of_two_who_import_at_once_one_may_have_to_stop_and_nothing_counts_twice(
    database: Database, client: AsyncClient, company: Company, path: Path, small: None
) -> None:
    fill(path, lines())
    ends = await asyncio.gather(*(bring(database, company, path) for _ in range(3)), return_exceptions=True)
    assert any(isinstance(end, Report) for end in ends)
    assert all(isinstance(end, Report | Conflict) for end in ends), ends
    assert await numbers(client, company) == WHOLE


async def test_who_was_overtaken_stops_and_takes_nothing_back(
    database: Database, company: Company, path: Path, small: None
) -> None:
    fill(path, lines())
    slow = importing(database, company, path, best_effort=True).run()
    await anext(slow)
    await bring(database, company, path)
    with pytest.raises(Conflict, match="is being imported by somebody else"):
        await anext(slow)
    assert (await bring(database, company, path)).lines_read == 0


async def test_older_than_the_account_keeps_is_told_and_no_error(
    database: Database, client: AsyncClient, company: Company, path: Path
) -> None:
    headers = company.admin.headers
    await client.patch("/api/v1/account", json={"retention_days": 30}, headers=headers)
    fill(path, [event("turn.completed", -60 * 24 * 60, "old", turn_id="x"), *lines()])
    report = await bring(database, company, path)
    assert (report.too_old, report.errors) == (1, 0)
    assert await numbers(client, company) == WHOLE


async def test_a_journal_may_name_members(database: Database, company: Company, path: Path) -> None:
    fill(path, [*lines(), event("thread.created", 0, "theirs", user_email=company.viewer.email)])
    assert (await bring(database, company, path)).errors == 0


async def test_a_stranger_in_a_journal_stops_it_before_anything_is_stored(
    database: Database, client: AsyncClient, company: Company, path: Path, small: None
) -> None:
    fill(path, [*lines(), event("thread.created", 0, "theirs", user_email="nobody@example.com")])
    with pytest.raises(Corrupt, match=rf":{len(lines()) + 1}: .*Nothing was stored"):
        await bring(database, company, path)
    assert (await numbers(client, company))[0] == 0


async def test_sessions_are_whose_it_is_said(
    database: Database, client: AsyncClient, company: Company, path: Path
) -> None:
    theirs = [event("thread.created", 1, f"thread-{n}", user_email=company.engineer.email) for n in range(THREADS)]
    fill(path, [*lines(), *theirs])
    sender = Sender(company.id, company.viewer.id, is_admin=True)
    async for _ in Import(database, Choices(sender), path).run():
        pass
    users = (await client.get("/api/v1/analytics/users", headers=company.engineer.headers)).json()["users"]
    owned = {user["user_id"]: user["messages"] for user in users if user["messages"]}
    assert owned == {str(company.viewer.id): THREADS * TURNS}
