"""/api/v1/keys: shown once, kept as a hash, made and revoked by those who may."""

import asyncio
import hashlib
from typing import Any

import pytest
from httpx import AsyncClient, Response

from app.db.engine import Database
from tests.audit_rows import audited, written_by
from tests.people import Company, Founder, Person

KEYS = "/api/v1/keys"


async def make(client: AsyncClient, by: Person, whose: Person | None = None, name: str = "laptop") -> Response:
    sent = {"name": name} if whose is None else {"name": name, "user_id": str(whose.id)}
    return await client.post(KEYS, headers=by.headers, json=sent)


async def revoke(client: AsyncClient, by: Person, key: dict[str, Any]) -> Response:
    return await client.delete(f"{KEYS}/{key['id']}", headers=by.headers)


async def stored(database: Database, company: Company) -> str:
    """Every table of the account that could hold a key, as text."""
    async with database.transaction(company.id, read_only=True) as tx:
        rows = await tx.driver.fetch("SELECT k::text FROM api_keys k UNION ALL SELECT a::text FROM audit_log a")
    return "\n".join(row[0] for row in rows)


async def test_a_key_is_shown_once_and_kept_as_a_hash(
    client: AsyncClient, database: Database, company: Company
) -> None:
    key = (await make(client, company.viewer)).json()
    secret = key.pop("api_key")
    listed = await client.get(KEYS, headers=company.viewer.headers)
    assert listed.json()["rows"] == [key]
    assert "api_key" not in listed.text
    assert key["hint"] == f"…{secret[-4:]}"
    kept = await stored(database, company)
    assert hashlib.sha256(secret.encode()).hexdigest() in kept
    assert secret not in kept
    assert secret.split("_", 2)[2] not in kept


async def test_no_two_keys_are_alike(client: AsyncClient, company: Company) -> None:
    made = [(await make(client, company.viewer)).json()["api_key"] for _ in range(5)]
    assert len(set(made)) == 5


@pytest.mark.parametrize("whose", ["viewer", "engineer"])
async def test_keys_of_others_need_the_admin_role(client: AsyncClient, company: Company, whose: Any) -> None:
    other, below = company.of(whose), company.engineer if whose == "viewer" else company.viewer
    assert (await make(client, below, other)).status_code == 403
    seen = await client.get(KEYS, headers=below.headers, params={"user_id": str(other.id)})
    assert seen.status_code == 403
    key = (await make(client, company.admin, other)).json()
    assert key["user_id"] == str(other.id)
    assert (await revoke(client, below, key)).status_code == 404, "what one may not see is not there"
    assert (await revoke(client, company.admin, key)).status_code == 204


@pytest.mark.parametrize("whose", ["admin", "owner"])
async def test_keys_of_admins_and_owners_need_the_owner_role(
    client: AsyncClient, founder: Founder, company: Company, whose: Any
) -> None:
    """Else an admin could make themselves an owner's key."""
    other = await founder.person(company.id, whose, "other@example.com")
    assert (await make(client, company.admin, other)).json()["detail"] == "This needs the owner role."
    key = (await make(client, company.owner, other)).json()
    assert (await revoke(client, company.admin, key)).status_code == 403
    assert (await revoke(client, company.owner, key)).status_code == 204


async def test_revoking_again_changes_nothing(client: AsyncClient, database: Database, company: Company) -> None:
    key = (await make(client, company.viewer)).json()
    assert (await revoke(client, company.viewer, key)).status_code == 204
    first = (await client.get(KEYS, headers=company.viewer.headers)).json()["rows"][0]
    assert first["revoked_at"]
    assert (await revoke(client, company.viewer, key)).status_code == 204
    assert (await client.get(KEYS, headers=company.viewer.headers)).json()["rows"] == [first]
    assert [row.action for row in await audited(database, company.id)] == ["key.create", "key.revoke"]


async def test_an_inactive_member_gets_no_key(client: AsyncClient, company: Company) -> None:
    away = {"active": False}
    await client.patch(f"/api/v1/users/{company.viewer.id}", headers=company.admin.headers, json=away)
    assert (await make(client, company.admin, company.viewer)).status_code == 409


async def test_another_accounts_keys_and_members_are_missing_ones(
    client: AsyncClient, company: Company, other_company: Company
) -> None:
    key = (await make(client, other_company.viewer)).json()
    assert (await revoke(client, company.owner, key)).status_code == 404
    assert (await make(client, company.owner, other_company.viewer)).status_code == 404
    of_stranger = {"user_id": str(other_company.viewer.id)}
    assert (await client.get(KEYS, headers=company.owner.headers, params=of_stranger)).json()["rows"] == []
    assert (await client.get(KEYS, headers=other_company.viewer.headers)).json()["rows"][0]["revoked_at"] is None


async def test_keys_are_audited_in_the_transaction_that_makes_them(
    client: AsyncClient, database: Database, company: Company
) -> None:
    key = (await make(client, company.admin, company.viewer)).json()
    (row,) = await audited(database, company.id)
    assert (row.action, row.user_id, row.resource) == ("key.create", company.admin.id, key["id"])
    assert row.parameters == {"user_id": str(company.viewer.id)}
    assert row.xmin == await written_by(database, company.id, "api_keys", key["id"])


async def test_two_who_revoke_at_once_both_succeed(client: AsyncClient, company: Company) -> None:
    key = (await make(client, company.viewer)).json()
    answers = await asyncio.gather(*(revoke(client, company.viewer, key) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {204}
