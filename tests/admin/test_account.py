"""/api/v1/account: settings that are checked, left alone where not named, and audited."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import AsyncClient

from app.db.engine import Database
from tests.audit_rows import audited, written_by
from tests.people import Company
from tests.transcripts.library import Library
from tests.transcripts.reading import lines

ACCOUNT = "/api/v1/account"
REMEMBERED = "SELECT carried FROM processor_state WHERE account_id = $1"


async def test_settings_are_read_as_they_were_written(client: AsyncClient, company: Company) -> None:
    wanted = {
        "name": "Acme & Söhne",
        "timezone": "Europe/Berlin",
        "retention_days": 400,
        "workspace_labels": "hashed",
        "create_members": True,
        "keep_transcripts": False,
        "allow_raw_uploads": False,
    }
    changed = (await client.patch(ACCOUNT, headers=company.admin.headers, json=wanted)).json()
    assert wanted.items() <= changed.items()
    assert (await client.get(ACCOUNT, headers=company.admin.headers)).json() == changed
    assert (await client.get("/api/v1/me", headers=company.viewer.headers)).json()["timezone"] == "Europe/Berlin"


async def test_a_setting_left_out_stays(client: AsyncClient, company: Company) -> None:
    before = (await client.get(ACCOUNT, headers=company.admin.headers)).json()
    after = (await client.patch(ACCOUNT, headers=company.admin.headers, json={"retention_days": 7})).json()
    assert {**before, "retention_days": 7, "updated_at": after["updated_at"]} == after


@pytest.mark.parametrize(
    "values",
    [
        {"retention_days": -1}, {"retention_days": 36_501}, {"retention_days": 2**63}, {"retention_days": 1.5},
        {"retention_days": "30"}, {"retention_days": True}, {"retention_days": None}, {"timezone": "Mars/Olympus"},
        {"timezone": ""}, {"timezone": "../UTC"}, {"timezone": "europe/berlin"}, {"timezone": "+02:00"},
        {"timezone": "UTC\0"}, {"timezone": "x" * 65}, {"workspace_labels": "none"}, {"create_members": "true"},
        {"keep_transcripts": None}, {"allow_raw_uploads": 0},
        {"name": ""}, {"name": "x" * 201}, {"name": "a\0"}, {"name": None},
    ],
)  # fmt: skip
async def test_a_setting_that_cannot_be_is_refused_by_name(
    client: AsyncClient, company: Company, values: dict[str, Any]
) -> None:
    """`true` for a number of days would delete all but yesterday."""
    answer = await client.patch(ACCOUNT, headers=company.admin.headers, json=values)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", *values]


async def test_settings_belong_to_one_account(client: AsyncClient, company: Company, other_company: Company) -> None:
    before = (await client.get(ACCOUNT, headers=other_company.admin.headers)).json()
    await client.patch(ACCOUNT, headers=company.admin.headers, json={"name": "Initech"})
    assert (await client.get(ACCOUNT, headers=other_company.admin.headers)).json() == before


async def test_a_change_is_audited_in_its_own_transaction(
    client: AsyncClient, database: Database, company: Company
) -> None:
    await client.patch(ACCOUNT, headers=company.admin.headers, json={})
    await client.patch(ACCOUNT, headers=company.admin.headers, json={"retention_days": 7, "name": "Initech"})
    (row,) = await audited(database, company.id)
    assert (row.action, row.user_id, row.parameters) == ("account.change", company.admin.id, {"retention_days": 7})
    assert row.xmin == await written_by(database, company.id, "accounts", company.id)


SESSION = "019e5615-1ef8-7270-b988-4f52f86449a4"
SESSIONS = "/api/v1/analytics/sessions"
DIRECTORY, FOLDER, WINDOWS = "/home/ann/secret-customer/tally", "tally", "C:\\ann\\secret-customer\\tally"

CODEX = lines(
    {"type": "session_meta", "payload": {"id": SESSION, "model_provider": "openai", "cwd": DIRECTORY}},
    {"type": "turn_context", "payload": {"model": "gpt-5"}},
    {"type": "event_msg", "payload": {"type": "user_message", "message": "hello"}},
)


async def workspaces(client: AsyncClient, company: Company) -> dict[str, str | None]:
    rows = (await client.get(SESSIONS, headers=company.owner.headers)).json()["rows"]
    return {row["external_id"]: row["workspace"] for row in rows}


async def rule(client: AsyncClient, company: Company, labels: str) -> None:
    answer = await client.patch(ACCOUNT, headers=company.admin.headers, json={"workspace_labels": labels})
    assert answer.json()["workspace_labels"] == labels


async def bring_in(client: AsyncClient, company: Company, **directories: str | None) -> None:
    now = datetime.now(UTC).isoformat()
    sessions = [{"id": name, "created_at": now, "workspace": path} for name, path in directories.items()]
    answer = await client.post("/api/v1/ingest/batches", json={"sessions": sessions}, headers=company.viewer.headers)
    assert answer.status_code == 200, answer.text


async def test_a_stricter_rule_for_workspaces_leaves_no_path_in_what_is_stored(
    client: AsyncClient, company: Company, other_company: Company
) -> None:
    for each in (company, other_company):
        await rule(client, each, "full_path")
        await bring_in(client, each, a=DIRECTORY, b=WINDOWS, c=None)
    seen = (await client.get(SESSIONS, headers=company.owner.headers)).headers["etag"]
    await rule(client, company, "basename_only")
    assert await workspaces(client, company) == {"a": FOLDER, "b": FOLDER, "c": None}
    assert (await workspaces(client, other_company))["a"] == DIRECTORY
    answer = await client.get(SESSIONS, headers=company.owner.headers | {"If-None-Match": seen})
    assert answer.status_code == 200
    await rule(client, company, "full_path")
    assert (await workspaces(client, company))["a"] == FOLDER


async def test_a_stored_path_gets_the_hash_that_a_new_one_gets_and_a_folder_one_of_its_own(
    client: AsyncClient, company: Company
) -> None:
    await rule(client, company, "basename_only")
    await bring_in(client, company, folder=DIRECTORY)
    await rule(client, company, "full_path")
    await bring_in(client, company, path=DIRECTORY)
    await rule(client, company, "hashed")
    await bring_in(client, company, later=DIRECTORY)
    found = await workspaces(client, company)
    assert found["path"] == found["later"] != found["folder"]
    assert all(re.fullmatch("[0-9a-f]{16}", str(each)) for each in found.values())
    await rule(client, company, "basename_only")
    assert await workspaces(client, company) == found


async def test_what_readers_of_logs_remember_of_a_path_goes_too_and_nothing_is_counted_twice(
    library: Library, client: AsyncClient, company: Company
) -> None:
    await rule(client, company, "full_path")
    await library.upload("rollout.jsonl", CODEX)
    await library.process()
    before = await library.totals()
    assert DIRECTORY in str(await library.rows(REMEMBERED))
    await rule(client, company, "hashed")
    assert DIRECTORY not in str(await library.rows(REMEMBERED))
    await library.upload("rollout.jsonl", CODEX + b"\n")
    await library.process()
    assert await library.totals() == before
    assert DIRECTORY not in str([await workspaces(client, company), await library.rows(REMEMBERED)])
