"""What is on record of reads, sign-ins and refusals, and that no answer ever waits for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI

from app import audit
from app.audit import Entry, Trail
from app.db.engine import Database
from app.db.ids import new_id
from app.facts.identity import session_key
from tests.people import Company, Person

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
REPORTS = ("usage", "agents", "models", "summary", "tools", "users", "sessions", "flowpilot/escalations")
ALL = "SELECT *, parameters::text AS said FROM audit_log WHERE account_id = $1 ORDER BY at, id"


@pytest.fixture
def trail(app: FastAPI) -> Trail:
    found: Trail = app.state.trail
    return found


async def noted(trail: Trail, database: Database, account: UUID) -> list[Any]:
    """What is on record once everything waiting is written."""
    assert await trail.flush()
    async with database.transaction(account, read_only=True) as tx:
        return list(await tx.driver.fetch(ALL, account))


async def ask(client: httpx.AsyncClient, person: Person, path: str, **more: Any) -> httpx.Response:
    return await client.get(f"/api/v1/{path}", headers={**person.headers, **more.pop("headers", {})}, **more)


async def test_every_report_that_was_read_is_on_record(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    for report in REPORTS:
        assert (await ask(client, company.engineer, f"analytics/{report}")).status_code == 200
    rows = await noted(trail, database, company.id)
    assert [row["action"] for row in rows] == [f"query.{report.rpartition('/')[2]}" for report in REPORTS]
    assert {(row["user_id"], row["result"], row["status"]) for row in rows} == {(company.engineer.id, "done", 200)}


async def test_a_session_that_was_looked_at_is_on_record_by_its_id(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    rows = {"sessions": [{"id": "s", "created_at": "2026-05-03T12:00:00Z"}]}
    sent = await client.post("/api/v1/ingest/batches", json=rows, headers=company.viewer.headers)
    assert sent.status_code == 200
    session = session_key(company.id, "s")
    for path in (f"{session}", f"{session}/messages", f"{uuid4()}"):
        await ask(client, company.engineer, f"analytics/sessions/{path}")
    seen = [(row["action"], row["resource"]) for row in await noted(trail, database, company.id)]
    assert seen == [("query.sessions", str(session)), ("query.messages", str(session))]


async def test_a_note_says_who_asked_what_when_from_where_and_how_long_it_took(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    began = datetime.now(UTC)
    given = {**MAY, "model": ["m", "n"], "user_id": str(company.viewer.id)}
    answer = await ask(client, company.engineer, "analytics/usage", params=given, headers={"X-Tally-Client": "web"})
    again = {"If-None-Match": answer.headers["etag"]}
    assert (await ask(client, company.engineer, "analytics/usage", params=given, headers=again)).status_code == 304
    row, kept = await noted(trail, database, company.id)
    used = {name: answer.json()[name] for name in ("start_date", "end_date", "timezone")}
    assert orjson.loads(row["said"]) == given | used == orjson.loads(kept["said"])
    assert row["request_id"] == answer.headers["x-request-id"]
    assert began <= row["at"] <= datetime.now(UTC)
    assert 0 <= row["duration_ms"] < 5_000
    assert (row["client_kind"], row["ip"], row["resource"]) == ("web", "127.0.0.1", None)
    assert (kept["status"], kept["client_kind"]) == (304, "api")


async def test_a_change_says_what_kind_of_client_made_it(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    for said in ("web", "cli", "worker", "x" * 99):
        headers = {**company.admin.headers, "X-Tally-Client": said}
        await client.patch("/api/v1/account", headers=headers, json={"retention_days": 9})
    rows = await noted(trail, database, company.id)
    assert [row["client_kind"] for row in rows] == ["web", "cli", "api", "api"]
    assert {(row["action"], row["ip"]) for row in rows} == {("account.change", "127.0.0.1")}


async def test_what_was_wrong_or_is_nobodys_business_is_not_noted(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    for path in ("analytics/usage?start_date=nonsense", "analytics/nothing", "me", "analytics/usage?secret=%00"):
        await ask(client, company.engineer, path)
    assert await noted(trail, database, company.id) == []


async def test_many_filters_are_noted_by_their_number_and_whose_data_it_was_by_every_id(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    people = [str(company.viewer.id), *(str(new_id()) for _ in range(97))]
    asked = {"user_id": [*people, people[0].upper(), people[1].replace("-", "")], "agent": "a"}
    for models in ([f"{n:0200}" for n in range(100)], ["m"]):
        answer = await ask(client, company.engineer, "analytics/usage", params=asked | {"model": models})
        assert answer.status_code == 200
    rows = [orjson.loads(row["said"]) for row in await noted(trail, database, company.id)]
    assert [row["user_id"] for row in rows] == [people, people]
    assert [(row["model"], row["agent"]) for row in rows] == [(100, 1), (1, 1)]


async def test_a_window_that_nobody_gave_is_noted_as_it_was_used(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    answer = await ask(client, company.engineer, "analytics/usage")
    (row,) = await noted(trail, database, company.id)
    names = ("start_date", "end_date", "timezone")
    assert orjson.loads(row["said"]) == {name: answer.json()[name] for name in names}


@pytest.mark.parametrize(
    "secret",
    [
        f"tly_{'0a' * 16}_{'b' * 43}",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJl",
        "hunter2hunter2",
        "sk-ant-api03-0123456789abcdefghij",
    ],
)
async def test_a_secret_given_for_a_filter_is_not_kept(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company, secret: str
) -> None:
    given = f"password={secret}" if secret.startswith("hunter") else secret
    for asked in ({"agent": given}, {"model": ["m", given]}):
        assert (await ask(client, company.engineer, "analytics/usage", params=asked)).status_code == 200
    export = {"kind": "messages", "format": "csv", "agent": given}
    assert (await ask(client, company.admin, "analytics/export", params=export)).status_code == 200
    rows = [row["said"] for row in await noted(trail, database, company.id)]
    assert len(rows) == 3
    assert all("[redacted]" in said and secret not in said and orjson.loads(said) for said in rows)


async def test_refusals_are_on_record_with_who_was_refused_and_what(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    asked, session = str(company.admin.id), str(uuid4())
    await ask(client, company.viewer, f"analytics/usage?model=m&user_id={asked}&user_id=x&start_date=2026-05-01")
    await ask(client, company.engineer, f"analytics/export?kind=daily&timezone=%22tly&user_id={asked}")
    await ask(client, company.viewer, f"analytics/sessions/{session}")
    await ask(client, company.viewer, f"transcripts?user_id={asked}")
    await client.delete(f"/api/v1/users/{asked}/data", headers=company.viewer.headers)
    await client.post("/api/v1/users", headers=company.viewer.headers, json={})
    await client.patch(f"/api/v1/users/{company.viewer.id}", headers=company.admin.headers, json={"active": False})
    await ask(client, company.viewer, "me")
    rows = [row for row in await noted(trail, database, company.id) if row["action"] != "user.change"]
    viewer, engineer = company.viewer.id, company.engineer.id
    assert [(row["user_id"], row["action"], row["resource"], row["result"], row["status"]) for row in rows] == [
        (viewer, "query.usage", None, "refused", 403),
        (engineer, "query.export", None, "refused", 403),
        (viewer, "query.sessions", None, "refused", 403),
        (viewer, "access.refuse", "GET /api/v1/transcripts", "refused", 403),
        (viewer, "access.refuse", "DELETE /api/v1/users/{user_id}/data", "refused", 403),
        (viewer, "access.refuse", "POST /api/v1/users", "refused", 403),
        (viewer, "access.refuse", "GET /api/v1/me", "refused", 401),
    ]
    assert [orjson.loads(row["said"]) for row in rows] == [
        {"model": 1, "user_id": asked, "start_date": "2026-05-01"},
        {"kind": 1, "timezone": 1, "user_id": asked},
        {"session_id": session},
        {"user_id": asked},
        {"user_id": asked},
        {},
        {},
    ]


async def test_sign_ins_are_on_record_and_so_are_keys_that_were_refused(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company
) -> None:
    made = await client.post("/api/v1/keys", headers=company.viewer.headers, json={"name": "laptop"})
    key = made.json()["api_key"]
    forged = key[:-1] + ("a" if key[-1] != "a" else "b")
    nobodys = f"tly_{new_id().hex}_{'a' * 43}"
    for offered, status in ((key, 200), (forged, 401), (nobodys, 401), ("rubbish", 401)):
        answer = await client.post("/api/v1/auth/token", json={"api_key": offered})
        assert answer.status_code == status
    rows = (await noted(trail, database, company.id))[1:]
    assert [(row["action"], row["user_id"], row["result"]) for row in rows] == [
        ("auth.exchange", company.viewer.id, "done"),
        ("auth.exchange", None, "refused"),
    ]
    assert all(key[-20:] not in str(dict(row)) for row in rows)


async def test_notes_are_written_within_a_second_without_being_asked(
    client: httpx.AsyncClient, database: Database, company: Company
) -> None:
    await ask(client, company.engineer, "analytics/usage")
    await asyncio.sleep(audit.INTERVAL_S + 0.5)
    async with database.transaction(company.id, read_only=True) as tx:
        assert len(await tx.driver.fetch(ALL, company.id)) == 1


async def test_accounts_share_a_flush_and_nothing_else(
    client: httpx.AsyncClient, trail: Trail, database: Database, company: Company, other_company: Company
) -> None:
    for person in (company.engineer, other_company.engineer, company.engineer):
        await ask(client, person, "analytics/usage")
    assert len(await noted(trail, database, company.id)) == 2
    assert [row["user_id"] for row in await noted(trail, database, other_company.id)] == [other_company.engineer.id]


def entry(**changed: Any) -> Entry:
    plain = Entry(new_id(), datetime.now(UTC), None, "query.usage", None, "{}", "done", 200, 1, "api", None, None)
    return plain._replace(**changed)


async def test_a_note_written_twice_is_there_once(trail: Trail, database: Database, company: Company) -> None:
    """A COMMIT may go unanswered: the batch is then sent again."""
    same, other = entry(), entry()
    for batch in ([same], [same, other]):
        for one in batch:
            trail.note(str(company.id), one)
        assert await trail.flush()
    assert [row["id"] for row in await noted(trail, database, company.id)] == [same.id, other.id]


async def test_of_an_account_that_is_not_there_nothing_is_written_and_postgresql_reports_no_error(
    database: Database,
) -> None:
    async with database.transaction(new_id()) as tx:
        assert await audit.write(tx, [entry(), entry()]) == 0


async def test_one_account_s_bad_note_is_not_another_s(
    trail: Trail, database: Database, company: Company, other_company: Company
) -> None:
    trail.note(str(company.id), entry(parameters="no json"))
    trail.note(str(other_company.id), entry())
    assert await noted(trail, database, company.id) == []
    assert len(await noted(trail, database, other_company.id)) == 1


async def test_old_rows_go_in_batches_and_their_going_is_on_record(
    trail: Trail, database: Database, company: Company, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PRUNE_BATCH", 4)
    await client.patch("/api/v1/account", headers=company.admin.headers, json={"audit_days": 30})
    now = datetime.now(UTC)
    for days in [*range(25, 30), *range(31, 41)]:
        trail.note(str(company.id), entry(at=now - timedelta(days=days)))
    assert await trail.flush()
    assert await audit.prune(database, company.id) == 10
    assert await audit.prune(database, company.id) == 0
    rows = await noted(trail, database, company.id)
    assert sum(row["action"] == "query.usage" for row in rows) == 5
    pruned = [row for row in rows if row["action"] == "audit.prune"]
    assert sum(orjson.loads(row["said"])["rows"] for row in pruned) == 10
    assert {(row["client_kind"], row["user_id"]) for row in pruned} == {("worker", None)}


async def test_an_account_that_keeps_everything_loses_nothing(
    trail: Trail, database: Database, company: Company, client: httpx.AsyncClient
) -> None:
    await client.patch("/api/v1/account", headers=company.admin.headers, json={"audit_days": 0})
    trail.note(str(company.id), entry(at=datetime(1999, 1, 1, tzinfo=UTC)))
    assert await trail.flush()
    assert await audit.prune(database, company.id) == 0
    assert len(await noted(trail, database, company.id)) == 2
