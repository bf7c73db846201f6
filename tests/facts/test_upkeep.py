"""Verify, rebuild, another zone, retention, new prices: the rollups go on saying what the facts say."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx import AsyncClient

from app.admin import rollups
from app.db.engine import Database
from app.facts import retention, upkeep
from app.facts.prices import PriceBook
from app.facts.recount import COUNTS, HOURS, WEEKS, Difference
from app.facts.repricing import reprice
from tests.people import Company, Founder

URL = "/api/v1/ingest/batches"
NOW = datetime.now(UTC).replace(microsecond=0)
DAYS = 40


def batch(days: int = DAYS) -> dict[str, list[dict[str, Any]]]:
    """A session every other day, over the clocks' change and beyond what the account will keep."""
    messages, calls = [], []
    for day in range(days):
        for n in range(4):
            at = (NOW - timedelta(days=day, minutes=7 * n)).isoformat()
            own = {"session_id": f"s{day // 2}", "id": f"{day}-{n}"}
            asked = {
                "role": "assistant",
                "agent_name": "coder",
                "model_id": "claude-sonnet-4-5",
                "response_time_ms": 900 + n,
            }
            messages.append(
                {**own, "created_at": at, "input_tokens": 100 * n, **(asked if n % 2 else {"role": "user"})}
            )
            calls.append({**own, "name": "search", "started_at": at, "duration_ms": 5 * n, "is_error": n == 3})
    return {"messages": messages, "tool_calls": calls}


@pytest.fixture
async def busy(client: AsyncClient, founder: Founder) -> Company:
    company = await founder.company("Busy", "America/New_York")
    answer = await client.post(URL, json=batch(), headers=company.viewer.headers)
    assert answer.status_code == 200, answer.text
    return company


async def differences(database: Database, company: Company) -> list[Difference]:
    return [d async for progress in upkeep.verify(database, company.id) for d in progress.differences]


async def rollup_totals(database: Database, company: Company) -> tuple[int, int]:
    """Of the days, which the hours must say as well."""
    async with database.transaction(company.id, read_only=True) as tx:
        days, hours = [
            tuple(
                await tx.driver.fetchrow(
                    f"SELECT sum(messages)::bigint, sum(input_tokens)::bigint FROM {table} WHERE account_id = $1",
                    company.id,
                )
            )
            for table in ("usage_days", "account_hours")
        ]
        active = await tx.driver.fetchval(
            "SELECT sum(messages)::bigint FROM session_hours WHERE account_id = $1", company.id
        )
    assert (*days, days[0]) == (*hours, active)
    return days[0], days[1]


async def spoil(database: Database, company: Company, sql: str) -> None:
    async with database.transaction(company.id) as tx:
        await tx.driver.execute(sql, company.id)


@pytest.mark.parametrize(
    ("table", "spoilt"),
    [
        ("usage_days", "UPDATE usage_days SET messages = messages + 1 WHERE account_id = $1"),
        ("ai_sessions", "UPDATE ai_sessions SET tool_calls = tool_calls + 1 WHERE account_id = $1"),
    ],
)
async def test_a_sample_shows_what_differs_and_nothing_else(
    database: Database, busy: Company, table: str, spoilt: str
) -> None:
    assert await upkeep.sample(database, busy.id) == []
    async with database.transaction(busy.id) as tx:
        await tx.driver.execute(spoilt, busy.id)
    assert {difference.table for difference in await upkeep.sample(database, busy.id)} == {table}


async def test_what_was_written_verifies(database: Database, busy: Company) -> None:
    assert await differences(database, busy) == []


@pytest.mark.parametrize("count", [*COUNTS, WEEKS, *HOURS], ids=lambda count: count.table)
async def test_verify_names_a_rollup_row_that_is_gone_and_rebuild_brings_it_back(
    database: Database, busy: Company, count: Any
) -> None:
    time = count.keys[0]
    oldest = f"(SELECT min({time}) FROM {count.table} WHERE account_id = $1)"
    await spoil(database, busy, f"DELETE FROM {count.table} WHERE account_id = $1 AND {time} = {oldest}")
    found = await differences(database, busy)
    # A week is no longer the sum of its days, where one of these lacks its lines.
    weeks = {"subject_weeks"} if count.table == "subject_days" else set()
    assert {d.table for d in found} == {count.table} | weeks
    assert all(d.stored is None for d in found if d.table not in weeks)
    _ = [progress async for progress in upkeep.rebuild(database, busy.id)]
    assert await differences(database, busy) == []


async def test_a_day_on_which_a_session_was_merely_updated_is_counted_again_as_well(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    created, updated = ((NOW - timedelta(days=days)).isoformat() for days in (300, 200))
    session = {"id": "alone", "created_at": created, "updated_at": updated}
    answer = await client.post(URL, json={"sessions": [session]}, headers=busy.viewer.headers)
    assert answer.status_code == 200, answer.text
    assert await differences(database, busy) == []
    await spoil(database, busy, "DELETE FROM subject_days WHERE account_id = $1 AND day < current_date - 100")
    assert {d.key[0] for d in await differences(database, busy)} == {
        (NOW - timedelta(days=days)).astimezone(ZoneInfo("America/New_York")).date() for days in (300, 200)
    }
    _ = [progress async for progress in upkeep.rebuild(database, busy.id)]
    assert await differences(database, busy) == []


async def test_verify_names_the_totals_of_a_session_that_are_wrong(database: Database, busy: Company) -> None:
    await spoil(database, busy, "UPDATE ai_sessions SET active_us = 1, models = '{}' WHERE account_id = $1")
    found = await differences(database, busy)
    assert {d.table for d in found} == {"ai_sessions"}
    assert len(found) == DAYS // 2
    _ = [progress async for progress in upkeep.rebuild(database, busy.id)]
    assert await differences(database, busy) == []


async def test_rebuild_goes_on_where_it_was_cut_off(database: Database, busy: Company) -> None:
    await spoil(database, busy, "UPDATE usage_days SET messages = messages + 1 WHERE account_id = $1")
    async for progress in upkeep.rebuild(database, busy.id):
        reached = progress.next_day
        break
    assert reached is not None
    left = await differences(database, busy)
    assert left
    assert min(d.key[0] for d in left) == reached
    _ = [progress async for progress in upkeep.rebuild(database, busy.id, reached)]
    assert await differences(database, busy) == []


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
async def test_another_zone_moves_every_day_and_no_total(
    client: AsyncClient, database: Database, busy: Company, zone: str
) -> None:
    before = await rollup_totals(database, busy)
    answer = await client.patch("/api/v1/account", json={"timezone": zone}, headers=busy.admin.headers)
    assert (answer.status_code, answer.json()["timezone"]) == (200, zone), answer.text
    assert await rollup_totals(database, busy) == before
    assert await differences(database, busy) == []


async def test_another_zone_leaves_nothing_in_weeks_that_no_fact_says(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    for table in ("subject_days", "subject_weeks"):
        line = (
            f"INSERT INTO {table} (account_id, day, subject, name, messages) VALUES ($1, '2020-01-06', 'agent', 'x', 5)"
        )
        await spoil(database, busy, line)
    answer = await client.patch("/api/v1/account", json={"timezone": "UTC"}, headers=busy.admin.headers)
    assert answer.status_code == 200, answer.text
    async with database.transaction(busy.id, read_only=True) as tx:
        assert (
            await tx.driver.fetch("SELECT day FROM subject_weeks WHERE account_id = $1 AND name = 'x'", busy.id) == []
        )


async def keep(client: AsyncClient, company: Company, days: int) -> None:
    answer = await client.patch("/api/v1/account", json={"retention_days": days}, headers=company.admin.headers)
    assert answer.status_code == 200, answer.text


async def facts(database: Database, company: Company) -> dict[str, int]:
    async with database.transaction(company.id, read_only=True) as tx:
        tables = ("messages", "tool_calls", "ai_sessions")
        return {
            t: await tx.driver.fetchval(f"SELECT count(*) FROM {t} WHERE account_id = $1", company.id) for t in tables
        }


async def test_retention_deletes_old_facts_and_no_number(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    before = await rollup_totals(database, busy)
    await keep(client, busy, 10)
    preview = {c.table: c.rows for c in await retention.preview(database, busy.id)}
    cleared = [c async for c in retention.apply(database, busy.id)]
    assert {c.table: c.rows for c in cleared} == preview
    assert preview["messages"] > 0
    assert 10 * 4 <= (await facts(database, busy))["messages"] <= 11 * 4
    assert await rollup_totals(database, busy) == before
    assert await differences(database, busy) == []
    assert [c.rows async for c in retention.apply(database, busy.id)] == [0] * len(preview)


async def test_what_retention_deleted_never_comes_in_again(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    before = await rollup_totals(database, busy)
    await keep(client, busy, 10)
    _ = [c async for c in retention.apply(database, busy.id)]
    await keep(client, busy, 400)
    answer = await client.post(URL, json=batch(), headers=busy.viewer.headers)
    assert answer.status_code == 207
    assert {e["code"] for e in answer.json()["errors"]} == {"too_old"}
    assert answer.json()["stored"] == 0
    assert await rollup_totals(database, busy) == before


async def test_rebuild_never_erases_days_whose_facts_are_gone(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    before = await rollup_totals(database, busy)
    await keep(client, busy, 10)
    _ = [c async for c in retention.apply(database, busy.id)]
    _ = [progress async for progress in upkeep.rebuild(database, busy.id)]
    assert await rollup_totals(database, busy) == before


async def test_rebuild_leaves_the_hour_alone_half_of_whose_facts_are_gone(
    client: AsyncClient, database: Database, founder: Founder
) -> None:
    """The days of Kathmandu begin a quarter past an hour of UTC."""
    company = await founder.company(timezone="Asia/Kathmandu")
    times = [(NOW - timedelta(minutes=10 * n)).isoformat() for n in range(3 * 24 * 6)]
    said = [{"session_id": "s", "id": at, "role": "user", "created_at": at} for at in times]
    answer = await client.post(URL, json={"messages": said}, headers=company.viewer.headers)
    assert answer.status_code == 200, answer.text
    before = await rollup_totals(database, company)
    await keep(client, company, 1)
    _ = [c async for c in retention.apply(database, company.id)]
    assert 100 < (await facts(database, company))["messages"] < 300
    _ = [progress async for progress in upkeep.rebuild(database, company.id)]
    assert await rollup_totals(database, company) == before


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Pacific/Honolulu"])
async def test_another_zone_after_retention_loses_nothing(
    client: AsyncClient, database: Database, busy: Company, zone: str
) -> None:
    before = await rollup_totals(database, busy)
    await keep(client, busy, 10)
    _ = [c async for c in retention.apply(database, busy.id)]
    for name in (zone, "Europe/London"):
        answer = await client.patch("/api/v1/account", json={"timezone": name}, headers=busy.admin.headers)
        assert answer.status_code == 200
        assert await rollup_totals(database, busy) == before
        assert await differences(database, busy) == []


async def test_a_retention_run_cut_off_after_any_step_ends_the_same(
    client: AsyncClient, database: Database, busy: Company
) -> None:
    before = await rollup_totals(database, busy)
    await keep(client, busy, 10)
    for steps in range(6):
        run = retention.apply(database, busy.id)
        for _ in range(steps):
            await anext(run, None)
        await run.aclose()
        assert await rollup_totals(database, busy) == before
        assert await differences(database, busy) == []
    _ = [c async for c in retention.apply(database, busy.id)]
    assert (await facts(database, busy))["messages"] <= 11 * 4


async def test_new_prices_reach_every_total(database: Database, busy: Company) -> None:
    await spoil(database, busy, "UPDATE messages SET cost_micros = NULL WHERE account_id = $1 AND model_id IS NOT NULL")
    _ = [progress async for progress in upkeep.rebuild(database, busy.id)]
    since, until = NOW - timedelta(days=20), NOW + timedelta(days=1)
    changed = sum([n async for _, n in reprice(database, busy.id, since, until, PriceBook())])
    assert changed > 0
    assert await differences(database, busy) == []
    async with database.transaction(busy.id, read_only=True) as tx:
        priced = await tx.driver.fetchval(
            "SELECT count(*) FROM messages WHERE account_id = $1 AND model_id IS NOT NULL AND cost_micros IS NOT NULL",
            busy.id,
        )
    assert priced == changed


async def test_an_admin_sees_what_retention_and_rollups_would_do(client: AsyncClient, busy: Company) -> None:
    await keep(client, busy, 10)
    preview = await client.get("/api/v1/account/retention", headers=busy.admin.headers)
    assert preview.json()["rows"]["messages"] > 0
    applied = await client.post("/api/v1/account/retention", headers=busy.admin.headers)
    assert (applied.json()["rows"], applied.json()["done"]) == (preview.json()["rows"], True)
    check = await client.get("/api/v1/account/rollups", headers=busy.admin.headers)
    assert check.json() == {"exact": True, "differences": [], "done": True, "next_part": None}
    rebuilt = await client.post("/api/v1/account/rollups", headers=busy.admin.headers)
    assert rebuilt.json() == {"done": True, "next_day": None}


async def test_a_check_that_is_cut_off_says_where_to_go_on(
    client: AsyncClient, database: Database, busy: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "BUDGET_S", 0)
    parts = [progress.done async for progress in upkeep.verify(database, busy.id)]
    seen: list[Any] = []
    answer: dict[str, Any] = {"next_part": 0}
    while answer["next_part"] is not None:
        params = {"skip": answer["next_part"]}
        answer = (await client.get("/api/v1/account/rollups", headers=busy.admin.headers, params=params)).json()
        seen.append((answer["exact"], answer["done"], answer["next_part"]))
    assert seen == [(None, False, part) for part in parts[:-1]] + [(True, True, None)]
    assert len(seen) > 2


async def test_zones_changed_to_and_fro_eat_no_facts(client: AsyncClient, database: Database, busy: Company) -> None:
    await keep(client, busy, 10)
    _ = [c async for c in retention.apply(database, busy.id)]
    await keep(client, busy, 0)
    left, before = await facts(database, busy), await rollup_totals(database, busy)
    for zone in ("Asia/Tokyo", "Europe/Berlin") * 4:
        await client.patch("/api/v1/account", json={"timezone": zone}, headers=busy.admin.headers)
        assert await retention.preview(database, busy.id) == []
        _ = [c async for c in retention.apply(database, busy.id)]
    assert (await facts(database, busy), await rollup_totals(database, busy)) == (left, before)
    assert await differences(database, busy) == []
    again = await client.post(URL, json=batch(9), headers=busy.viewer.headers)
    assert (again.status_code, again.json()["unchanged"]) == (200, again.json()["received"])


@pytest.mark.parametrize("zone", ["localtime", "Factory", "Mars/Olympus", ""])
async def test_a_zone_that_is_none_is_refused(client: AsyncClient, busy: Company, zone: str) -> None:
    answer = await client.patch("/api/v1/account", json={"timezone": zone}, headers=busy.admin.headers)
    assert answer.status_code == 422
