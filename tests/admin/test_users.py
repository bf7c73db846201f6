"""/api/v1/users: who may change whom, the last owner, and e-mail addresses."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient, Response

from app.db.engine import Database
from tests.audit_rows import audited, written_by
from tests.people import Company, Founder, Person

USERS = "/api/v1/users"
OWNER_NEEDED = "This needs the owner role."


async def change(client: AsyncClient, by: Person, whom: Person, **values: Any) -> Response:
    return await client.patch(f"{USERS}/{whom.id}", headers=by.headers, json=values)


async def add(client: AsyncClient, by: Person, **values: Any) -> Response:
    return await client.post(USERS, headers=by.headers, json={"name": "Ada", "email": "ada@example.com", **values})


async def test_a_member_added_is_the_member_read(client: AsyncClient, company: Company) -> None:
    added = await add(client, company.admin, account_role="engineer")
    assert added.status_code == 201, added.text
    member = added.json()
    assert (await client.get(f"{USERS}/{member['id']}", headers=company.admin.headers)).json() == member
    assert member["active"] is True
    assert member["created_at"].endswith("Z")
    assert set(member) == {
        "id", "email", "name", "account_role", "active", "last_pull_at", "created_at", "updated_at",
    }  # fmt: skip


@pytest.mark.parametrize("role", ["admin", "owner"])
async def test_only_an_owner_makes_admins_and_owners(client: AsyncClient, company: Company, role: str) -> None:
    refused = await add(client, company.admin, account_role=role)
    assert (refused.status_code, refused.json()["detail"]) == (403, OWNER_NEEDED)
    refused = await change(client, company.admin, company.viewer, account_role=role)
    assert (refused.status_code, refused.json()["detail"]) == (403, OWNER_NEEDED)
    assert (await add(client, company.owner, account_role=role)).status_code == 201
    assert (await change(client, company.owner, company.viewer, account_role=role)).status_code == 200


@pytest.mark.parametrize("values", [{"name": "x"}, {"account_role": "viewer"}, {"active": False}, {}])
async def test_other_admins_and_owners_are_an_owners_business(
    client: AsyncClient, founder: Founder, company: Company, values: dict[str, Any]
) -> None:
    other = await founder.person(company.id, "admin", "other@example.com")
    for person in (other, company.owner):
        refused = await change(client, company.admin, person, **values)
        assert (refused.status_code, refused.json()["detail"]) == (403, OWNER_NEEDED)
    assert (await change(client, company.owner, other, **values)).status_code == 200


async def test_an_admin_changes_themselves_but_not_upwards(client: AsyncClient, company: Company) -> None:
    admin = company.admin
    assert (await change(client, admin, admin, name="Grace", account_role="admin")).status_code == 200
    assert (await change(client, admin, admin, account_role="owner")).status_code == 403
    assert (await change(client, admin, admin, account_role="viewer")).status_code == 200
    assert (await change(client, admin, admin, account_role="admin")).status_code == 403


@pytest.mark.parametrize("values", [{"account_role": "admin"}, {"active": False}, {"name": "x", "active": False}])
async def test_the_last_owner_stays(
    client: AsyncClient, founder: Founder, company: Company, values: dict[str, Any]
) -> None:
    inactive = await founder.person(company.id, "owner", "away@example.com")
    assert (await change(client, company.owner, inactive, active=False)).status_code == 200
    refused = await change(client, company.owner, company.owner, **values)
    assert refused.status_code == 409
    assert "last owner" in refused.json()["detail"]
    assert (await change(client, company.owner, inactive, active=True)).status_code == 200
    assert (await change(client, company.owner, company.owner, **values)).status_code == 200


async def test_the_last_owner_may_be_renamed(client: AsyncClient, company: Company) -> None:
    renamed = await change(client, company.owner, company.owner, name="Grace", active=True, account_role="owner")
    assert renamed.json()["name"] == "Grace"


@pytest.mark.parametrize("whom", ["themselves", "each other"])
async def test_owners_who_demote_at_once_leave_one(client: AsyncClient, founder: Founder, whom: str) -> None:
    """The second waits for the first, sees what it did, and is refused."""
    for _ in range(8):
        company = await founder.company()
        one, two = company.owner, await founder.person(company.id, "owner", "two@example.com")
        pairs = ((one, one), (two, two)) if whom == "themselves" else ((one, two), (two, one))
        changes = (change(client, by, other, account_role="viewer") for by, other in pairs)
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*changes))
        assert statuses[0] == 200
        assert statuses[1] in (403, 409)
        roles = [
            (await client.get("/api/v1/me", headers=person.headers)).json()["account_role"] for person in (one, two)
        ]
        assert sorted(roles) == ["owner", "viewer"]


async def test_an_address_is_one_member_in_any_case_and_any_account(
    client: AsyncClient, company: Company, other_company: Company
) -> None:
    added = await add(client, company.admin, email=" Ada@Example.COM ")
    assert added.json()["email"] == "ada@example.com"
    taken = await add(client, company.admin, email="ADA@example.com")
    assert taken.status_code == 409
    assert taken.json()["detail"] == "This account already has a member with this e-mail address."
    assert (await add(client, other_company.admin, email="ada@example.com")).status_code == 201


async def test_of_two_who_add_one_address_at_once_one_is_told(client: AsyncClient, company: Company) -> None:
    answers = await asyncio.gather(*(add(client, company.admin, email="race@example.com") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]


@pytest.mark.parametrize(
    "email",
    ["", "x", "@", "a@", "@b", "a@b@c", "a b@c", "a@\u2003b", "a\0@b", "a" * 250 + "@b.de", None, 7, ["a@b"]],
)  # fmt: skip
async def test_what_is_no_address_is_refused(client: AsyncClient, company: Company, email: object) -> None:
    answer = await add(client, company.admin, email=email)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "email"]


@pytest.mark.parametrize("email", ["İ" * 250 + "@b", "\ua7cb@example.com", "ß@example.com", "Σ@ΑΣ.gr", "ﬁ@b"])
async def test_letters_whose_case_is_odd_are_stored_or_refused(
    client: AsyncClient, company: Company, email: str
) -> None:
    """Some grow when lowered; some are newer than this Python's tables but not than PostgreSQL's."""
    assert (await add(client, company.admin, email=email)).status_code in (201, 422)


@pytest.mark.parametrize("values", [{"name": None}, {"account_role": None}, {"active": None}])
async def test_null_is_not_the_same_as_left_out(client: AsyncClient, company: Company, values: dict[str, Any]) -> None:
    answer = await change(client, company.admin, company.viewer, **values)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", *values]


@pytest.mark.parametrize("values", [{"active": "yes"}, {"active": 1}, {"account_role": "root"}, {"name": ""}])
async def test_nothing_is_guessed(client: AsyncClient, company: Company, values: dict[str, Any]) -> None:
    assert (await change(client, company.admin, company.viewer, **values)).status_code == 422


@pytest.mark.parametrize(
    "name", ["tab\there", "line\nfeed", "turned \u202e evil", "un\u200bseen", "\ufeffAda", "\x1b[31m"]
)
async def test_a_name_that_could_pass_for_another_is_refused(client: AsyncClient, company: Company, name: str) -> None:
    headers = company.admin.headers
    changed = await client.patch("/api/v1/account", headers=headers, json={"name": name})
    key = await client.post("/api/v1/keys", headers=headers, json={"name": name})
    for answer in (await add(client, company.admin, name=name), key, changed):
        assert answer.status_code == 422
        assert "nobody sees" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["Zoë Ångström", "نیلوفر\u200cنژاد", "👩\u200d💻 Ada", "李 明"])
async def test_a_name_is_kept_as_it_is_written(client: AsyncClient, company: Company, name: str) -> None:
    assert (await add(client, company.admin, name=name)).json()["name"] == name


async def test_changing_nothing_changes_nothing(client: AsyncClient, database: Database, company: Company) -> None:
    before = (await client.get(f"{USERS}/{company.viewer.id}", headers=company.admin.headers)).json()
    assert (await change(client, company.admin, company.viewer)).json() == before
    assert await audited(database, company.id) == []


async def test_another_accounts_member_is_a_missing_one(
    client: AsyncClient, company: Company, other_company: Company
) -> None:
    for method, sent in (("GET", None), ("PATCH", {"name": "x"})):
        answers = [
            (await client.request(method, f"{USERS}/{user}", headers=company.owner.headers, json=sent)).json()
            for user in (other_company.viewer.id, company.id)
        ]
        for answer in answers:
            del answer["request_id"], answer["instance"]
        assert answers[0] == answers[1]
        assert answers[0]["detail"] == "There is no member with this id in this account."
    seen = (await client.get(USERS, headers=company.owner.headers)).text
    assert str(other_company.viewer.id) not in seen


async def test_changes_are_audited_in_their_own_transaction(
    client: AsyncClient, database: Database, company: Company
) -> None:
    added = await add(client, company.admin)
    member = added.json()["id"]
    changed = await client.patch(
        f"{USERS}/{member}", headers=company.admin.headers, json={"account_role": "engineer", "name": "Grace"}
    )
    created, altered = await audited(database, company.id)
    assert (created.action, created.user_id, created.resource) == ("user.create", company.admin.id, member)
    assert (altered.action, altered.parameters) == ("user.change", {"account_role": "engineer"})
    assert altered.request_id == changed.headers["x-request-id"]
    assert altered.xmin == await written_by(database, company.id, "users", member)
    assert created.xmin != altered.xmin


async def test_what_is_refused_is_no_change(client: AsyncClient, database: Database, company: Company) -> None:
    await add(client, company.admin, email="viewer@example.com")
    await change(client, company.admin, company.owner, active=False)
    await change(client, company.owner, company.owner, active=False)
    assert {row.action for row in await audited(database, company.id)} <= {"access.refuse"}
