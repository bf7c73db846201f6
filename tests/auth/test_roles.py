"""A7: the role matrix, generated over the described operations, and roles that act on the very next request."""

from typing import Any

import pytest
from httpx import AsyncClient

from app.auth.caller import NEEDED, ROLES, Role
from tests.auth.roles import MATRIX, Least
from tests.operations import OPERATIONS, Operation
from tests.people import Company

SECURED = [operation for operation in OPERATIONS if MATRIX.get((operation.method, operation.path)) != "public"]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
every_secured = pytest.mark.parametrize("operation", SECURED, ids=str)


def least(operation: Operation) -> Least:
    return MATRIX[operation.method, operation.path]


def test_the_matrix_lists_exactly_what_is_described() -> None:
    assert {(operation.method, operation.path) for operation in OPERATIONS} == MATRIX.keys()


@every_operation
def test_the_description_names_the_role(operation: Operation) -> None:
    security = [] if least(operation) == "public" else [{"Bearer": [least(operation)]}]
    assert operation.described.get("security", []) == security


@every_operation
async def test_a_stranger_meets_401_wherever_a_role_is_needed(client: AsyncClient, operation: Operation) -> None:
    answer = await client.request(operation.method, operation.address, json={} if operation.takes_json else None)
    assert (answer.status_code == 401) == (least(operation) != "public"), answer.text


@pytest.mark.parametrize("role", ROLES)
@every_secured
async def test_a_role_opens_exactly_what_the_matrix_says(
    client: AsyncClient, company: Company, operation: Operation, role: Role
) -> None:
    needed = least(operation)
    assert needed != "public"
    headers = company.of(role).headers
    sent: dict[str, Any] | None = (
        {} if operation.takes_json else None
    )  # an empty body changes nothing, where it is not refused
    answer = await client.request(operation.method, operation.address, headers=headers, json=sent)
    if ROLES.index(role) >= ROLES.index(needed):
        assert answer.status_code in (200, 201, 204, 404, 422), answer.text
        return
    assert answer.status_code == 403
    assert answer.json()["detail"] == f"This needs the {NEEDED[needed]} role."


@every_secured
async def test_401_comes_before_anything_else_is_said(client: AsyncClient, operation: Operation) -> None:
    """Nor is a byte of a stranger's body read: a huge, broken one in the wrong type makes no difference."""
    sent: dict[str, Any] = (
        {"content": b"{" * 2**15, "headers": {"Content-Type": "text/plain"}} if operation.takes_json else {}
    )
    answer = await client.request(operation.method, operation.address, params={"unknown": "1"}, **sent)
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("Valid credentials are needed: send 'Authorization: Bearer <token>';")


def test_refusals_name_the_roles_people_are_given() -> None:
    assert NEEDED["engineer"] == "engineer or admin"
    assert NEEDED["admin"] == "admin"


async def test_a_demotion_acts_on_the_next_request_with_the_same_token(client: AsyncClient, company: Company) -> None:
    admin, owner = company.admin, company.owner
    assert (await client.get("/api/v1/users", headers=admin.headers)).status_code == 200
    demoted = await client.patch(f"/api/v1/users/{admin.id}", headers=owner.headers, json={"account_role": "viewer"})
    assert demoted.status_code == 200
    assert (await client.get("/api/v1/users", headers=admin.headers)).status_code == 403
    assert (await client.get("/api/v1/me", headers=admin.headers)).json()["account_role"] == "viewer"


async def test_a_deactivation_acts_on_the_next_request_and_so_does_its_end(
    client: AsyncClient, company: Company
) -> None:
    address = f"/api/v1/users/{company.viewer.id}"
    for active, status in ((False, 401), (True, 200)):
        assert (await client.patch(address, headers=company.admin.headers, json={"active": active})).is_success
        assert (await client.get("/api/v1/me", headers=company.viewer.headers)).status_code == status


async def test_a_revoked_key_ends_the_tokens_exchanged_for_it(client: AsyncClient, company: Company) -> None:
    key = (await client.post("/api/v1/keys", headers=company.viewer.headers, json={"name": "laptop"})).json()
    token = (await client.post("/api/v1/auth/token", json={"api_key": key["api_key"]})).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 200
    assert (await client.delete(f"/api/v1/keys/{key['id']}", headers=company.viewer.headers)).status_code == 204
    assert (await client.get("/api/v1/me", headers=headers)).status_code == 401
    assert (await client.get("/api/v1/me", headers=company.viewer.headers)).status_code == 200
