"""T7: every statement of a report is bound to its account by an index, and counts facts without visiting their table.

Held for 200,000 messages of two accounts, for the plan made for the values at hand and for the generic one that
PostgreSQL may keep after five runs.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.analytics.parameters import WindowQuery
from app.analytics.session_counts import PLANNED
from app.analytics.summary import summary
from app.analytics.window import Window
from app.db.addresses import Addresses
from app.db.engine import Database, Tx
from app.facts import retotal
from benchmarks.dataset import Filled, account, settle, superuser
from tests.people import Founder
from tests.plans import Run, generic, made_for, nodes, noting
from tests.serving import operator

WHOLE = {"start_date": "", "end_date": ""}  # filled in when the test runs
FACTS = {"messages", "tool_calls"}
COUNTED = {"ix_messages_counted", "ix_tool_calls_counted"}
MESSAGES = 100_000  # an account
Case = tuple[str, dict[str, str]]
Ask = Callable[[str, dict[str, str]], Awaitable[None]]


@pytest.fixture(scope="module")
async def full(database: Database, addresses: Addresses) -> AsyncIterator[Filled]:
    """An account with 100,000 messages, next to another of the same size."""
    owner = await superuser(addresses.owner)
    filled = [await account(database, owner, MESSAGES, handoffs=1_000) for _ in range(2)]
    await settle(addresses.owner)
    yield filled[0]
    await owner.execute("SET session_replication_role = origin")
    await owner.execute("DELETE FROM accounts WHERE id = ANY ($1)", [one.id for one in filled])
    await owner.close()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Every statement with values that goes through the driver."""
    return noting(monkeypatch)


@pytest.fixture
def ask(client: httpx.AsyncClient, founder: Founder, full: Filled) -> Ask:
    """A report, as a reader of the full account."""
    headers = {"Authorization": f"Bearer {founder.authority.issue(full.reader, full.id)}"}

    async def ask(report: str, given: dict[str, str]) -> None:
        answer = await client.get(f"/api/v1/analytics/{report}", headers=headers, params=given)
        assert answer.status_code == 200, answer.text

    return ask


ONE = {"timezone": "Asia/Kathmandu"}
ASKED: dict[str, list[dict[str, str]]] = {
    "usage": [
        {},
        ONE,
        {"agent": "agent-1"},
        {"model": "model-1"},
        {"user_id": "U"},
        {"agent": "agent-1", "user_id": "U"},
    ],
    "agents": [{}, ONE, {"agent": "agent-1"}, {"model": "model-1"}, {"user_id": "U"}],
    "models": [{}, ONE, {"model": "model-1"}, {"user_id": "U"}],
    "users": [{}, ONE, {"user_id": "U"}, {"agent": "agent-1"}],
    "tools": [{}, ONE, {"user_id": "U"}],
    "sessions": [{}, {"user_id": "U"}, {"model": "model-1"}],
    "friction": [{}, {"user_id": "U"}],
    "summary": [],
    "flowpilot/escalations": [],
}
CASES = [
    pytest.param((report, window | given), id=f"{report} {window | given}")
    for report, filters in ASKED.items()
    for given in (filters or [{}])
    for window in (({}, WHOLE) if filters else ({},))
]


@pytest.fixture
async def owner(addresses: Addresses) -> AsyncIterator[Any]:
    async with operator(addresses) as connection:
        yield connection


@pytest.fixture
async def tx(database: Database, full: Filled) -> AsyncIterator[Tx]:
    async with database.transaction(full.id, read_only=True) as tx:
        yield tx


@pytest.mark.parametrize("case", CASES)
async def test_every_statement_is_bound_to_its_account(
    ask: Ask, tx: Tx, owner: Any, runs: list[Run], case: Case
) -> None:
    report, given = case
    user = await a_member(tx)
    asked = {name: user if value == "U" else value for name, value in given.items()}
    if "start_date" in asked:
        asked |= await whole_days(tx)
    runs.clear()
    await ask(report, asked)
    asked_for = [run for run in runs if run.values]
    for run in asked_for:
        # The last one past row-level security: the statement names its account by itself.
        for plan in [await made_for(tx.driver, run), await generic(tx, run), await made_for(owner, run)]:
            judge(plan, run)


@pytest.mark.parametrize("below", ["", "/messages"])
async def test_a_session_is_read_by_the_indexes_of_its_account(
    ask: Ask, tx: Tx, owner: Any, runs: list[Run], below: str
) -> None:
    session = await tx.driver.fetchval(
        "SELECT session_id FROM session_handoffs WHERE account_id = $1 LIMIT 1", tx.account
    )
    runs.clear()
    await ask(f"sessions/{session}{below}", {})
    asked_for = [run for run in runs if session in run.values]
    assert len(asked_for) == (2 if below else 4)
    for run in asked_for:
        for plan in [await made_for(tx.driver, run), await generic(tx, run), await made_for(owner, run)]:
            judge(plan, run)


async def a_member(tx: Tx) -> str:
    return str(await tx.driver.fetchval("SELECT user_id FROM member_days WHERE account_id = $1 LIMIT 1", tx.account))


async def whole_days(tx: Tx) -> dict[str, str]:
    first, last = await tx.driver.fetchrow("SELECT current_date - 30, current_date - 1")
    return {"start_date": str(first), "end_date": str(last)}


def judge(plan: dict[str, Any], run: Run) -> None:
    seen = f"{run.sql}\n{json.dumps(plan, indent=1)}"
    for node in nodes(plan):
        table, kind = node.get("Relation Name"), node["Node Type"]
        if kind in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}:
            assert "account_id = " in node.get("Index Cond", "") or "(id = " in node.get("Index Cond", ""), seen
        # Of few sessions, looked up one by one.
        if table in FACTS and "session_id = " not in node.get("Index Cond", node.get("Recheck Cond", "")):
            assert kind == "Index Only Scan", seen
            assert node["Index Name"] in COUNTED, seen
        elif table not in FACTS:
            assert kind not in {"Seq Scan", "Sample Scan"} or node["Plan Rows"] < 100, seen


async def test_the_judge_can_say_no(tx: Tx) -> None:
    await tx.driver.execute("SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off")
    run = Run("SELECT count(*) FROM messages WHERE account_id = $1::uuid", [tx.account])
    plan = await made_for(tx.driver, run)
    with pytest.raises(AssertionError):
        judge(plan, run)


async def test_a_report_of_whole_days_reads_no_fact(ask: Ask, tx: Tx, runs: list[Run]) -> None:
    given = await whole_days(tx)
    for report in ("usage", "agents", "models", "tools"):
        runs.clear()
        await ask(report, given)
        await read_no_fact(tx, runs)


async def test_a_member_s_whole_days_read_no_message(ask: Ask, tx: Tx, runs: list[Run]) -> None:
    """Which sessions are theirs, the sessions say."""
    await ask("usage", await whole_days(tx) | {"user_id": await a_member(tx)})
    done = await tables(tx, runs)
    assert {"member_days", "session_days", "ai_sessions"} <= done
    assert not done & FACTS


async def test_days_of_a_zone_with_the_same_hours_read_no_message(ask: Ask, tx: Tx, runs: list[Run]) -> None:
    """Sessions created in what the window has of a day are counted: they are few."""
    await ask("usage", await whole_days(tx) | {"timezone": "Pacific/Auckland"})
    done = await tables(tx, runs)
    assert {"account_hours", "session_hours"} <= done
    assert not done & FACTS


async def test_the_summary_up_to_a_midnight_reads_no_fact(tx: Tx, runs: list[Run]) -> None:
    zone = await tx.driver.fetchval("SELECT timezone FROM accounts WHERE id = $1", tx.account)
    window = Window.of(WindowQuery.model_validate(await whole_days(tx)), zone, datetime.now(UTC))
    runs.clear()
    assert (await summary(tx, window))["active_sessions"] > 0
    await read_no_fact(tx, runs)


async def test_a_month_of_histograms_is_read_as_weeks_and_a_few_days(ask: Ask, tx: Tx, runs: list[Run]) -> None:
    """At most twelve rows a line: at least three weeks, at most six days before and six after."""
    for report, lines in (("agents", 12), ("models", 7), ("tools", 15)):
        runs.clear()
        await ask(report, await whole_days(tx))
        (run,) = [run for run in runs if "subject_weeks" in run.sql]
        read = {node.get("Relation Name"): node for node in nodes(await made_for(tx.driver, run))}
        weeks, days = (read[table]["Actual Rows"] / lines for table in ("subject_weeks", "subject_days"))
        assert weeks >= 3
        assert weeks + days <= 12


async def test_sessions_of_a_filter_are_looked_up_by_their_key(ask: Ask, tx: Tx, runs: list[Run]) -> None:
    """Estimated few, thousands would be compared with thousands; in a plan for any account, looked for in them."""
    for report, given in (("usage", {"model": "model-1"}), ("users", {"agent": "agent-1"})):
        runs.clear()
        await ask(report, given | await whole_days(tx))
        (run,) = [run for run in runs if "LIMIT 1) AS one" in run.sql]
        assert PLANNED in [each.sql for each in runs[: runs.index(run)]]
        found = list(nodes(await made_for(tx.driver, run)))
        assert {n["Index Name"] for n in found if n.get("Relation Name") == "ai_sessions"} == {"pk_ai_sessions"}
        assert all(n["Actual Loops"] == 1 for n in found if n["Node Type"] in {"CTE Scan", "Materialize"})


async def test_totals_of_sessions_are_counted_with_one_read_of_each_table(tx: Tx) -> None:
    """Session by session, a plan for an account without statistics would read all of the account's for each."""
    sessions = await retotal.sessions_after(tx, UUID(int=0), None, 200)
    read = [
        node
        for node in nodes(await made_for(tx.driver, Run(retotal.COUNTED, [tx.account, sessions])))
        if node.get("Relation Name") in FACTS
    ]
    assert {node["Relation Name"] for node in read} == FACTS
    assert all(node["Actual Loops"] == 1 for node in read)


async def tables(tx: Tx, runs: Sequence[Run]) -> set[str | None]:
    """What was read."""
    plans = [await made_for(tx.driver, run) for run in list(runs)]
    return {node.get("Relation Name") for plan in plans for node in nodes(plan) if node["Actual Loops"]}


async def read_no_fact(tx: Tx, runs: list[Run]) -> None:
    assert runs
    for run in list(runs):
        for node in nodes(await made_for(tx.driver, run)):
            assert node.get("Relation Name") not in FACTS | {"ai_sessions"}
