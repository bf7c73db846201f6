"""One person's facts erased: the rollups go on saying what is left, and everybody else's numbers stay."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import time_machine
from httpx import AsyncClient

from app.db.engine import Database, Tx
from app.facts import erasure, retention, upkeep
from app.facts.identity import session_key
from tests.facts.delivery import Account
from tests.facts.reports import ZONES, some
from tests.facts.stored import KEYS, differences, stored
from tests.people import Company, Founder, Person
from tests.test_promises.test_rollups_exact import NOON, Cut, Scissors

URL = "/api/v1/ingest/batches"
NOW = datetime.now(UTC).replace(microsecond=0)
DAYS = 24


def log_of(name: str, days: int = DAYS) -> dict[str, list[dict[str, Any]]]:
    """A person's sessions, two days each; ids are their own, agents and models everybody's."""
    rows: dict[str, list[dict[str, Any]]] = {"messages": [], "tool_calls": [], "steps": [], "handoffs": []}
    for day in range(days):
        for n in range(3):
            at = (NOW - timedelta(days=day, minutes=7 * n)).isoformat()
            own = {"session_id": f"{name}{day // 2}", "id": f"{day}-{n}"}
            said = {"role": "assistant", "agent_name": "coder", "model_id": "claude-sonnet-4-5", "output_tokens": 50}
            said |= {"response_time_ms": 800 + n, "is_error": n == 2}
            rows["messages"].append({**own, "created_at": at, "input_tokens": 100 * n, **said})
            rows["tool_calls"].append({**own, "name": "search", "started_at": at, "duration_ms": 5 * n})
            rows["steps"].append({**own, "created_at": at})
            rows["handoffs"].append({**own, "created_at": at})
    return rows


async def bring(client: AsyncClient, person: Person, rows: dict[str, list[dict[str, Any]]]) -> None:
    answer = await client.post(URL, json=rows, headers=person.headers)
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def busy(client: AsyncClient, founder: Founder) -> Company:
    """The viewer and the engineer did alike, each in sessions of their own."""
    company = await founder.company("Busy", "America/New_York")
    await bring(client, company.viewer, log_of("v"))
    await bring(client, company.engineer, log_of("e"))
    return company


async def erase(database: Database, person: Person) -> Counter[str]:
    gone: Counter[str] = Counter()
    async for some_rows in erasure.erase_member(database, person.account_id, person.id):
        gone += some_rows
    return gone


async def wrong(database: Database, account: UUID) -> list[str]:
    return [str(d) async for progress in upkeep.verify(database, account) for d in progress.differences]


async def rebuild(database: Database, account: UUID) -> None:
    _ = [progress async for progress in upkeep.rebuild(database, account)]


async def sums(database: Database, account: UUID, table: str, user: UUID | None = None) -> tuple[int, int]:
    own = "" if user is None else f" AND user_id = '{user}'"
    async with database.transaction(account, read_only=True) as tx:
        row = await tx.driver.fetchrow(
            f"SELECT sum(messages), sum(input_tokens) FROM {table} WHERE account_id = $1{own}", account
        )
    return int(row[0] or 0), int(row[1] or 0)


async def traces(database: Database, account: UUID, *ids: UUID) -> list[str]:
    """The tables of facts and rollups in which any of these ids stands, in whatever column."""
    found = []
    async with database.transaction(account, read_only=True) as tx:
        for table in KEYS:
            rows = await tx.driver.fetch(f"SELECT t::text FROM {table} t WHERE account_id = $1", account)
            found += [table for row in rows if any(str(id_) in row[0] for id_ in ids)]
    return found


async def test_a_persons_facts_go_with_their_share_of_every_rollup(database: Database, busy: Company) -> None:
    gone = await erase(database, busy.viewer)
    assert gone["messages"] == gone["tool_calls"] == gone["ai_session_steps"] == gone["session_handoffs"] == DAYS * 3
    assert gone["ai_sessions"] == DAYS // 2
    assert await wrong(database, busy.id) == []
    before = await stored(database, busy.id)
    await rebuild(database, busy.id)
    assert differences(await stored(database, busy.id), before) == []
    assert await sums(database, busy.id, "usage_days") == await sums(database, busy.id, "member_days")


async def test_no_table_names_the_person_or_their_sessions_any_more(database: Database, busy: Company) -> None:
    sessions = [session_key(busy.id, f"v{n}") for n in range(DAYS)]
    assert set(await traces(database, busy.id, busy.viewer.id, *sessions)) == {
        *("ai_sessions", "messages", "tool_calls", "ai_session_steps", "session_handoffs"),
        *("member_days", "session_days", "session_hours", "subject_days"),
    }
    await erase(database, busy.viewer)
    assert await traces(database, busy.id, busy.viewer.id, *sessions) == []


async def test_what_is_left_is_what_would_be_there_had_they_never_come(
    client: AsyncClient, database: Database, busy: Company, founder: Founder
) -> None:
    alone = await founder.company("Alone", "America/New_York")
    await bring(client, alone.engineer, log_of("e"))
    await erase(database, busy.viewer)
    days = ("usage_days", "subject_days", "subject_weeks", "account_hours")
    found, wanted = await stored(database, busy.id), await stored(database, alone.id)
    for side in (found, wanted):
        side["subject_days"] = {
            (day, subject, "who" if subject == "member" else name): row
            for (day, subject, name), row in side["subject_days"].items()
        }
    assert {table: found[table] for table in days} == {table: wanted[table] for table in days}
    assert await sums(database, busy.id, "member_days") == await sums(database, alone.id, "member_days")


async def test_others_numbers_stay(client: AsyncClient, database: Database, busy: Company) -> None:
    async def shown() -> list[Any]:
        asked = {"user_id": str(busy.engineer.id)}
        reports = ("usage", "agents", "models", "tools", "users", "sessions")
        answers = [
            await client.get(f"/api/v1/analytics/{name}", params=asked, headers=busy.admin.headers) for name in reports
        ]
        return [{k: v for k, v in answer.json().items() if k not in ("end_date", "data_as_of")} for answer in answers]

    before = await shown()
    await erase(database, busy.viewer)
    after = await shown()
    for was, now in zip(before, after, strict=True):
        was.pop("start_date", None)
        now.pop("start_date", None)
    assert after == before


async def test_days_older_than_retention_keep_their_sums_and_lose_the_name(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    await client.patch("/api/v1/account", json={"retention_days": 10}, headers=busy.admin.headers)
    _ = [c async for c in retention.apply(database, busy.id)]
    before, own = (
        await sums(database, busy.id, "usage_days"),
        await sums(database, busy.id, "member_days", busy.viewer.id),
    )
    gone = await erase(database, busy.viewer)
    kept = DAYS * 3 - gone["messages"]
    assert 0 < kept < DAYS * 3
    assert (await sums(database, busy.id, "usage_days"))[0] == before[0] - gone["messages"]
    assert await sums(database, busy.id, "usage_days") == await sums(database, busy.id, "member_days")
    assert (await sums(database, busy.id, "member_days", UUID(int=0)))[0] == kept == own[0] - gone["messages"]
    assert await traces(database, busy.id, busy.viewer.id) == []
    assert await wrong(database, busy.id) == []
    before_rebuild = await stored(database, busy.id)
    await rebuild(database, busy.id)
    assert differences(await stored(database, busy.id), before_rebuild) == []


async def test_a_retention_run_that_was_cut_off_changes_nothing_about_what_stays(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    before = await sums(database, busy.id, "usage_days")
    await client.patch("/api/v1/account", json={"retention_days": 10}, headers=busy.admin.headers)
    # Closed, nothing deleted yet: the old facts are still there, and are not subtracted.
    async with database.transaction(busy.id) as tx:
        await tx.driver.execute(retention.CLOSE, busy.id, await retention.cutoff(database, busy.id))
    await erase(database, busy.viewer)
    stay = (await sums(database, busy.id, "usage_days"))[0]
    assert before[0] - 11 * 3 <= stay <= before[0] - 10 * 3
    assert await sums(database, busy.id, "usage_days") == await sums(database, busy.id, "member_days")
    assert await wrong(database, busy.id) == []


async def test_hours_that_were_only_guessed_for_a_day_go_as_well(database: Database, busy: Company) -> None:
    """As an upgrade does for days whose messages are gone: at noon, whenever the session was."""
    async with database.transaction(busy.id) as tx:
        await tx.driver.execute(
            "UPDATE session_hours SET hour = hour - interval '20 hours' WHERE account_id = $1", busy.id
        )
    await erase(database, busy.viewer)
    assert await traces(database, busy.id, *[session_key(busy.id, f"v{n}") for n in range(DAYS)]) == []


async def test_sessions_of_one_day_go_on_counting_where_days_stand(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    await client.patch("/api/v1/account", json={"retention_days": 10}, headers=busy.admin.headers)
    _ = [c async for c in retention.apply(database, busy.id)]
    async with database.transaction(busy.id, read_only=True) as tx:
        bound = await tx.driver.fetchval("SELECT facts_from FROM account_versions WHERE account_id = $1", busy.id)
        counts = [
            f"SELECT count(*) FROM {table} WHERE account_id = $1 AND {time} < $2 AND messages > 0"
            for table, time in (("session_days", "day"), ("session_hours", "hour"))
        ]
        before = [await tx.driver.fetchval(count, busy.id, bound) for count in counts]
    assert all(before)
    await erase(database, busy.viewer)
    async with database.transaction(busy.id, read_only=True) as tx:
        assert [await tx.driver.fetchval(count, busy.id, bound) for count in counts] == before


async def test_a_fact_two_persons_report_belongs_to_one_and_goes_with_that_one(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    shared = {"id": "m", "role": "user", "created_at": NOW.isoformat(), "global_id": "req-1", "input_tokens": 7}
    of_admin = {"messages": [shared | {"session_id": "zz"}]}
    await bring(client, busy.admin, of_admin)
    await bring(client, busy.owner, {"messages": [shared | {"session_id": "aa"}]})
    assert (await sums(database, busy.id, "member_days", busy.owner.id))[0] == 1
    await erase(database, busy.owner)
    assert (await sums(database, busy.id, "member_days", busy.admin.id))[0] == 0
    assert await wrong(database, busy.id) == []
    await bring(client, busy.admin, of_admin)
    assert (await sums(database, busy.id, "member_days", busy.admin.id)) == (1, 7)
    assert await wrong(database, busy.id) == []


async def test_a_persons_name_on_others_handoffs_goes_and_the_claim_stays(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    claim = {"claimed_by": str(busy.viewer.id), "claimed_at": NOW.isoformat(), "handed_off_by": str(busy.viewer.id)}
    row = {"session_id": "e0", "id": "h", "created_at": NOW.isoformat(), **claim}
    await bring(client, busy.admin, {"handoffs": [row]})
    assert (await erase(database, busy.viewer))["named_in_handoffs"] == 1
    async with database.transaction(busy.id, read_only=True) as tx:
        claimed = await tx.driver.fetch(
            "SELECT claimed_by, handed_off_by FROM session_handoffs WHERE account_id = $1 AND claimed_at IS NOT NULL",
            busy.id,
        )
    assert [tuple(found) for found in claimed] == [(None, None)]


async def test_many_sessions_go_in_parts_each_exact(
    database: Database, busy: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "FACTS_AT_ONCE", 30)
    parts = 0
    async for _ in erasure.erase_member(database, busy.id, busy.viewer.id):
        parts += 1
        assert await wrong(database, busy.id) == []
        assert await sums(database, busy.id, "usage_days") == await sums(database, busy.id, "member_days")
    assert parts > 3


@pytest.mark.parametrize("zone", ZONES)
async def test_rows_of_every_shape_are_taken_back_exactly(zone: str, founder: Founder) -> None:
    with time_machine.travel(NOON, tick=False):
        account = Account(founder.database, await founder.company(timezone=zone), zone)
        company = account.company
        await account.report(company.admin, some(company, 150, 7))
        for person in (company.viewer, company.engineer, company.admin, company.owner):
            await erase(founder.database, person)
            assert await wrong(founder.database, company.id) == []
        found = await account.stored()
        assert found["ai_sessions"] or not any(found.values())


@pytest.mark.parametrize("kill", [False, True], ids=["raised", "killed"])
async def test_a_fault_after_any_statement_leaves_all_or_nothing(
    kill: bool,  # noqa: FBT001
    database: Database,
    busy: Company,
) -> None:
    sessions = [session_key(busy.id, f"v{n}") for n in range(DAYS // 2)]
    before, statement, cut = await stored(database, busy.id), 0, True
    while cut:
        statement += 1
        cut = False
        try:
            async with database.transaction(busy.id) as tx:
                driver: Any = Scissors(tx.driver, statement, kill)
                await erasure.erase_sessions(Tx(tx.account, tx.connection, driver), sessions)
        except (Cut, asyncpg.PostgresError, asyncpg.InterfaceError):
            cut = True
            assert differences(await stored(database, busy.id), before) == [], f"after statement {statement}"
    assert statement > 12
    assert await wrong(database, busy.id) == []


async def test_ingest_of_everybody_goes_on_while_one_is_erased(
    client: AsyncClient, database: Database, busy: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person's own rows too: sent again in the middle they come in again, whole, and are erased again."""
    monkeypatch.setattr(erasure, "FACTS_AT_ONCE", 30)
    over = asyncio.Event()

    async def send(person: Person, name: str) -> int:
        rounds = 0
        while not over.is_set():
            await bring(client, person, log_of(name, days=6))
            await bring(client, person, log_of(f"{name}{rounds}-", days=2))
            rounds += 1
        return rounds

    senders = [asyncio.create_task(send(*who)) for who in ((busy.viewer, "v"), (busy.engineer, "e"))]
    try:
        for _ in range(4):
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await erase(database, busy.viewer)
            assert await wrong(database, busy.id) == []
    finally:
        over.set()
        rounds = await asyncio.gather(*senders)
    assert min(rounds) > 2
    await erase(database, busy.viewer)
    assert await wrong(database, busy.id) == []
    assert await traces(database, busy.id, busy.viewer.id) == []
    assert (await stored(database, busy.id))["ai_sessions"].keys() >= {session_key(busy.id, "e0")}
