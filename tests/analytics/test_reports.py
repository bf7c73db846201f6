"""What holds for every report: shapes, tags, accounts apart, one moment, and nothing for those who left."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from app.auth.tokens import TokenAuthority
from app.auth.trust import trusted_keys
from app.db.addresses import Addresses
from app.db.engine import Database
from app.db.statement import Prepared
from app.facts import retention
from app.settings import Settings
from tests.factories import Logbook, ago
from tests.openapi_written import described_now
from tests.people import Company, Founder
from tests.process import serving, tally
from tests.serving import operator

REPORTS = (
    "usage", "agents", "models", "summary", "tools", "users", "sessions", "flowpilot/escalations",
)  # fmt: skip
VERSIONED = ("usage", "agents", "models", "summary", "tools")
every_report = pytest.mark.parametrize("report", REPORTS)


def address(report: str) -> str:
    return f"/api/v1/analytics/{report}"


@pytest.fixture
async def busy(log: Logbook, company: Company) -> Logbook:
    """An account in which everything a report can show has happened."""
    session = log.session(ago(days=2), user_id=company.viewer.id, status="open", status_at=ago(days=2))
    for hours in range(40):
        known = hours % 2 == 0
        log.message(
            session,
            ago(hours=hours),
            agent_name="a" if known else None,
            model_id="m" if known else None,
            given_response_ms=100 if known else None,
            input_tokens=5,
            cost_micros=None if known else 7,
        )
    log.call(session, ago(hours=1), name="grep", given_duration_ms=5)
    log.handoff(session, ago(hours=9), claimed_at=ago(hours=8), intent="refund", priority="high")
    log.step(session, ago(hours=7))
    await log.write()
    return log


@every_report
async def test_real_answers_have_the_declared_shape(
    client: httpx.AsyncClient, company: Company, busy: Logbook, report: str
) -> None:
    """Answers are written without checking them; this is the check. No undeclared field either."""
    operation = described_now()["paths"][address(report)]["get"]
    named = operation["responses"]["200"]["content"]["application/json"]["schema"]
    closed = json.loads(json.dumps(described_now()["components"]["schemas"]))
    for shape in closed.values():
        shape.setdefault("additionalProperties", False)
    asked: list[dict[str, str]] = [{}]
    if "compare" in {parameter["name"] for parameter in operation["parameters"]}:
        asked.append({"compare": "previous"})
    for given in asked:
        answer = await client.get(address(report), headers=company.engineer.headers, params=given)
        jsonschema_rs.Draft202012Validator({**named, "components": {"schemas": closed}}).validate(answer.json())
        assert {"start_date", "end_date", "timezone", "data_as_of"} <= answer.json().keys()


@every_report
async def test_what_is_known_is_not_sent_again(
    client: httpx.AsyncClient, company: Company, busy: Logbook, report: str
) -> None:
    headers = company.engineer.headers
    for _ in range(3):  # the minute may turn in between
        first = await client.get(address(report), headers=headers)
        known = f'"x", W/{first.headers["etag"]}'
        again = await client.get(address(report), headers={**headers, "If-None-Match": known})
        if again.status_code == 304:
            break
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"] == "private, no-cache"
    assert (await client.get(address(report), headers={**headers, "If-None-Match": '"x"'})).status_code == 200


@every_report
async def test_a_new_fact_makes_a_new_tag(
    client: httpx.AsyncClient, company: Company, busy: Logbook, report: str
) -> None:
    headers = company.engineer.headers
    first = await client.get(address(report), headers=headers)
    session = busy.session(ago(), user_id=company.viewer.id)
    busy.message(session, ago(), agent_name="a", model_id="m")
    busy.call(session, ago(), name="grep")
    busy.handoff(session, ago())
    await busy.write()
    again = await client.get(address(report), headers={**headers, "If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]
    assert again.json()["data_as_of"] > first.json()["data_as_of"]


@every_report
async def test_that_older_facts_are_gone_is_said(
    client: httpx.AsyncClient, company: Company, database: Database, report: str
) -> None:
    async def said() -> Any:
        answer = await client.get(address(report), headers=company.engineer.headers)
        return answer.json()["facts_from"]

    assert await said() is None
    answer = await client.patch("/api/v1/account", json={"retention_days": 10}, headers=company.admin.headers)
    assert answer.status_code == 200, answer.text
    _ = [cleared async for cleared in retention.apply(database, company.id)]
    assert ago(days=10, hours=24) <= datetime.fromisoformat(await said()) <= ago(days=10)


async def test_another_question_has_another_tag(client: httpx.AsyncClient, company: Company, busy: Logbook) -> None:
    headers = company.engineer.headers
    asked: list[dict[str, str]] = [
        {}, {"agent": "a"}, {"model": "a"}, {"timezone": "Asia/Tokyo"}, {"compare": "previous"},
        {"end_date": "2026-05-01"},
    ]  # fmt: skip
    tags = {
        (await client.get(address(report), headers=headers, params=given)).headers["etag"]
        for given in asked
        for report in ("usage", "agents")
    }
    assert len(tags) == 2 * len(asked)


@pytest.mark.parametrize("report", VERSIONED)
async def test_304_costs_no_statement_but_the_callers_own(
    client: httpx.AsyncClient, company: Company, busy: Logbook, report: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, run = company.engineer.headers, []
    given = {"start_date": "2026-05-01", "end_date": "2026-05-31"} if report != "summary" else {}
    first = await client.get(address(report), headers=headers, params=given)
    one, every = Prepared.one, Prepared.all

    async def counted_one(self: Prepared, tx: Any, **values: object) -> Any:
        run.append(self.sql)
        return await one(self, tx, **values)

    async def counted_all(self: Prepared, tx: Any, **values: object) -> Any:
        run.append(self.sql)
        return await every(self, tx, **values)

    monkeypatch.setattr(Prepared, "one", counted_one)
    monkeypatch.setattr(Prepared, "all", counted_all)
    again = await client.get(address(report), headers={**headers, "If-None-Match": first.headers["etag"]}, params=given)
    if again.status_code == 304:  # /summary's minute may have turned
        assert ["users" in run[0], "account_versions" in run[0], len(run)] == [True, True, 1]
    else:
        assert report == "summary"


@every_report
async def test_never_shows_another_account(
    client: httpx.AsyncClient, company: Company, other_company: Company, busy: Logbook, report: str
) -> None:
    """T2: a stranger's answer is the same before and after, byte by byte, and knows no tag of ours."""
    theirs = other_company.engineer.headers
    given = {"end_date": "2026-12-31"} if report not in ("summary", "flowpilot/escalations") else {}
    ours = await client.get(address(report), headers=company.engineer.headers, params=given)
    asked = {**theirs, "If-None-Match": ours.headers["etag"]}
    for parameters in (
        given,
        *([{**given, "user_id": str(company.viewer.id)}] if report in ("usage", "users") else []),
    ):
        answer = await client.get(address(report), headers=asked, params=parameters)
        assert answer.status_code == 200
        for ours_alone in ('"grep"', '"a"', '"m"', "refund", str(company.viewer.id), '"open"'):
            assert ours_alone not in answer.text
        counts = [value for name, value in answer.json().items() if name.startswith(("total_", "n_"))]
        assert not any(counts)


@every_report
async def test_two_accounts_never_share_a_tag(
    client: httpx.AsyncClient, company: Company, other_company: Company, report: str
) -> None:
    """Though both are empty and asked the same: what a cache keeps of one is no answer to the other."""
    tags = {
        (await client.get(address(report), headers=of.engineer.headers)).headers["etag"]
        for of in (company, other_company)
    }
    assert len(tags) == 2


async def test_a_report_reads_one_moment(database: Database, company: Company, client: httpx.AsyncClient) -> None:
    """R5: batches of ten by one writer, and no reader ever sees half of one, in no part of a report."""
    log = Logbook(database, company.id)
    session = log.session(ago(days=1))
    await log.write()

    async def write() -> None:
        for _ in range(15):
            for _ in range(5):
                log.message(session, ago(days=1))
                log.message(session, ago())
            await log.write()

    writing = asyncio.create_task(write())
    while not writing.done():
        report = (await client.get(address("usage"), headers=company.engineer.headers)).json()
        per_day = [day["messages"] for day in report["daily_usage"]]
        assert report["total_messages"] % 10 == 0
        assert sum(per_day) == report["total_messages"]
        assert per_day[-1] == per_day[-2]
    await writing


@asynccontextmanager
async def waiting(addresses: Addresses) -> AsyncIterator[None]:
    """Whoever reads rollups waits for us, as for a slow disk."""
    async with operator(addresses) as owner, owner.transaction():
        await owner.execute("LOCK TABLE subject_days IN ACCESS EXCLUSIVE MODE")
        yield


BLOCKED = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = 'tally_app' AND wait_event_type = 'Lock'
        AND query LIKE '%subject_days%'
"""


async def test_a_report_stops_when_the_client_leaves(addresses: Addresses, tmp_path: Path, founder: Founder) -> None:
    """A real server, a real socket, and PostgreSQL's own word that nothing runs any more."""
    secret = "s" * 40
    company = await founder.company()
    authority = TokenAuthority(trusted_keys(Settings(_env_file=None, TALLY_JWT_SECRET=secret)))
    headers = {"Authorization": f"Bearer {authority.issue(company.engineer.id, company.id)}"}
    environment = serving(addresses, secret, TALLY_POOL_SIZE="1", TALLY_LOCK_TIMEOUT_MS="60000")
    with tally(tmp_path, "serve", **environment) as running:
        async with operator(addresses) as watcher, httpx.AsyncClient(base_url=running.url, headers=headers) as client:
            async with waiting(addresses):
                asked = asyncio.create_task(client.get(address("usage"), timeout=60))
                await until(watcher, 1)
                asked.cancel()
                await until(watcher, 0)
            # The only connection of the pool is free again, clean, and serves on.
            answer = await client.get(address("usage"))
            assert answer.status_code == 200
            assert answer.json()["total_messages"] == 0
        assert not [line for line in running.lines() if '"crash"' in line]


async def until(watcher: Any, n: int) -> None:
    async with asyncio.timeout(10):
        while await watcher.fetchval(BLOCKED) != n:
            await asyncio.sleep(0.02)
