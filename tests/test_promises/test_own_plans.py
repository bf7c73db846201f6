"""A member's own lists, and the audit, are read by their indexes, a late page as cheaply as the first.

Held for the plans for the values at hand and for the generic one, past row-level security as well; one statement is
never run by the generic one.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.db.addresses import Addresses
from app.db.engine import Database, Tx
from app.me.tokens import LARGEST
from benchmarks.dataset import settle, superuser
from benchmarks.member import Member, Size, fill
from tests.people import Founder
from tests.plans import Run, generic, made_for, nodes, noting
from tests.serving import operator

SIZE = Size(sessions=1_000, notes=10_000, waiting=150, members=8)
# A member is one of many: their days are few of all that there are.
CROWD = """
    INSERT INTO member_days (account_id, day, user_id, model_id, messages)
    SELECT $1::uuid, current_date - day, md5('u' || n)::uuid, 'model-' || model, 1
    FROM generate_series(1, 100) AS n, generate_series(0, 364) AS day, generate_series(1, 4) AS model
"""
CROWD_IN_ALL = """
    INSERT INTO subject_days (account_id, day, subject, name, messages)
    SELECT account_id, day, 'member', user_id::text, sum(messages) FROM member_days
    WHERE account_id = $1 GROUP BY 1, 2, 4 ON CONFLICT DO NOTHING
"""
PAGE = 50
PAGES = ("me/stats/sessions", "me/stats/queries", "me/stats/sync", "admin/audit", "admin/audit?action=key.create")
REST = ("me/stats/tokens", "me/stats/tokens?days=1")
# Lists that count all there is, from an index alone.
COUNTING = ("SELECT count(*)", "SELECT (SELECT count(*)")


@pytest.fixture(scope="module")
async def member(database: Database, addresses: Addresses) -> AsyncIterator[Member]:
    owner = await superuser(addresses.owner)
    found = await fill(database, owner, SIZE)
    await owner.execute("UPDATE users SET account_role = 'admin' WHERE account_id = $1", found.account)
    await owner.execute(CROWD, found.account)
    await owner.execute(CROWD_IN_ALL, found.account)
    await settle(addresses.owner)
    yield found
    await owner.execute("SET session_replication_role = origin")
    await owner.execute("DELETE FROM accounts WHERE id = $1", found.account)
    await owner.close()


@pytest.fixture
async def tx(database: Database, member: Member) -> AsyncIterator[Tx]:
    async with database.transaction(member.account, read_only=True) as tx:
        yield tx


@pytest.fixture
async def owner(addresses: Addresses) -> AsyncIterator[Any]:
    async with operator(addresses) as connection:
        yield connection


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    return noting(monkeypatch)


@pytest.fixture
def headers(founder: Founder, member: Member) -> dict[str, str]:
    return {"Authorization": f"Bearer {founder.authority.issue(member.id, member.account)}"}


def visited(plan: dict[str, Any]) -> int:
    """Rows that were touched, also those that a filter turned away."""
    scans = [node for node in nodes(plan) if "Relation Name" in node]
    return sum(
        round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]) for node in scans
    )


def judge(plan: dict[str, Any], run: Run) -> None:
    seen = f"{run.sql}\n{json.dumps(plan, indent=1)}"
    for node in nodes(plan):
        if "Relation Name" in node:
            assert node["Node Type"] != "Seq Scan" or node["Actual Rows"] < 20, seen
            # Whoever enters an account is looked up in tables of a few rows.
            if node["Node Type"] in {"Index Scan", "Index Only Scan"}:
                assert "account_id = " in node["Index Cond"] or "(id = " in node["Index Cond"], seen
    if run.sql.lstrip().startswith(COUNTING):
        assert all(n["Node Type"] == "Index Only Scan" for n in nodes(plan) if n.get("Alias") == "ai_sessions"), seen
    elif "LIMIT" in run.sql and "count(*)" not in run.sql:
        assert visited(plan) <= 10 * (PAGE + 1), seen


async def plans(tx: Tx, owner: Any, run: Run) -> list[Any]:
    own = [await made_for(tx.driver, run), await made_for(owner, run)]
    return own if run.sql == LARGEST else [*own, await generic(tx, run)]


@pytest.mark.parametrize("path", [*PAGES, *REST])
async def test_no_table_is_read_through(
    client: httpx.AsyncClient, tx: Tx, owner: Any, runs: list[Run], headers: dict[str, str], *, path: str
) -> None:
    assert (await client.get(f"/api/v1/{path}", headers=headers)).status_code == 200
    asked_for = [run for run in runs if "users" not in run.sql or "audit_log" in run.sql]
    assert asked_for
    for run in asked_for:
        for plan in await plans(tx, owner, run):
            judge(plan, run)


@pytest.mark.parametrize("path", PAGES)
async def test_a_late_page_reads_no_more_than_the_first(
    client: httpx.AsyncClient, tx: Tx, owner: Any, runs: list[Run], headers: dict[str, str], *, path: str
) -> None:
    answer = (await client.get(f"/api/v1/{path}", headers=headers)).json()
    for _ in range(8):
        runs.clear()
        more = {"cursor": answer["next_cursor"], "limit": str(PAGE)}
        answer = (await client.get(f"/api/v1/{path.partition('?')[0]}", headers=headers, params=more)).json()
        assert len(answer["rows"]) == PAGE
    for run in [run for run in runs if "LIMIT" in run.sql]:
        for plan in await plans(tx, owner, run):
            judge(plan, run)


async def test_the_judge_can_say_no(tx: Tx, member: Member) -> None:
    listed = "SELECT * FROM audit_log WHERE account_id = $1 AND user_id = $2"
    for sql in (f"{listed} ORDER BY duration_ms LIMIT 51", f"{listed} OFFSET 0"):
        run = Run(sql, [tx.account, member.id])
        await tx.driver.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
        with pytest.raises(AssertionError):
            judge(await made_for(tx.driver, run), run)
    await tx.driver.execute("SET LOCAL enable_indexscan = on")
    early = Run(f"{listed} AND at < $3 ORDER BY at LIMIT 51", [tx.account, member.id, datetime.now(UTC) - timedelta(9)])
    judge(await made_for(tx.driver, early), early)
