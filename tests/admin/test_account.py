"""/api/v1/account: settings that are checked, left alone where not named, and audited."""

from typing import Any

import pytest
from httpx import AsyncClient

from app.db.engine import Database
from tests.audit_rows import audited, written_by
from tests.people import Company

ACCOUNT = "/api/v1/account"


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
