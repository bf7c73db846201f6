"""DESIGN section 6 and A10: what PostgreSQL, UTF-8 or a calendar cannot hold, and fields nobody may set."""

import json
from typing import Any

import httpx
import pytest

from tests.openapi_written import described_now
from tests.operations import OPERATIONS, Operation
from tests.people import Company
from tests.problem import is_problem

with_body = pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.takes_json], ids=str)

BROKEN = {
    "nothing": b"",
    "half": b"{",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "too deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a name twice": b'{"name": "x", "name": "x"}',
    "a name twice, deep inside": b'{"name": [{"a": 1, "a": 1}]}',
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "NUL": b"\0",
    "a lone surrogate as name": b'{"\\ud800": 1}',
    "an endless name": b'{"' + b"a" * 100_000 + b'": 1}',
    "an integer without end": b'{"name": ' + b"9" * 100_000 + b"}",
    "a number beyond floats": b'{"name": 1e999}',
}


@with_body
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_a_broken_body_is_422(
    client: httpx.AsyncClient, company: Company, operation: Operation, body: bytes
) -> None:
    headers = {**company.owner.headers, "Content-Type": "application/json"}
    answer = await client.request(operation.method, operation.address, headers=headers, content=body)
    document = is_problem(answer, 422)
    assert document["errors"]
    assert len(answer.content) < 20_000, "what was sent is not sent back"


WRONG = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "application/jsonp",
    "é",
]


@with_body
@pytest.mark.parametrize("kind", WRONG)
async def test_json_sent_as_something_else_is_415(
    client: httpx.AsyncClient, company: Company, operation: Operation, kind: str
) -> None:
    headers = {**company.owner.headers, "Content-Type": kind.encode()}
    answer = await client.request(operation.method, operation.address, headers=headers, content=b'{"name": "x"}')  # type: ignore[arg-type]
    assert "application/json" in is_problem(answer, 415)["detail"]


TEXTS = ["a\0b", "\ud800", "\udfff\ud800"]
NUMBERS = [2**63, -(2**63) - 1, 10**400, 1e308]
INSTANTS = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z"]


@with_body
@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS, *INSTANTS, [[]], {"a": 1}, True], ids=ascii)
async def test_no_value_in_any_field_brings_it_down(
    client: httpx.AsyncClient, company: Company, operation: Operation, value: object
) -> None:
    """Fields of the right name hold what PostgreSQL, UTF-8 or a calendar cannot."""
    content = json.dumps(dict.fromkeys(fields_of(operation), value)).encode()
    headers = {**company.owner.headers, "Content-Type": "application/json"}
    answer = await client.request(operation.method, operation.address, headers=headers, content=content)
    assert answer.status_code in (401, 404, 422) or (operation.is_by_row and answer.status_code == 207), answer.text


def fields_of(operation: Operation) -> list[str]:
    return list(shape_of(operation)["properties"])


def shape_of(operation: Operation) -> dict[str, Any]:
    schema = operation.described["requestBody"]["content"]["application/json"]["schema"]
    found: dict[str, Any] = described_now()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


READ_ONLY = [
    "id", "account_id", "user_id", "role", "is_admin", "created_at", "updated_at", "last_pull_at", "display_code",
    "sha256", "hint", "api_key", "revoked_at", "last_used_at", "key_id", "workspace_salt", "xmin", "__class__",
    "__proto__", "", "NAME", "name ", "account_role\0",
]  # fmt: skip


@with_body
async def test_fields_that_are_not_the_callers_to_set_are_refused(
    client: httpx.AsyncClient, company: Company, operation: Operation
) -> None:
    """A10. Each by name: one that is ignored looks as if it had worked."""
    strange = set(READ_ONLY) - set(fields_of(operation))
    sent = dict.fromkeys(strange, str(company.id))
    answer = await client.request(operation.method, operation.address, headers=company.owner.headers, json=sent)
    errors = is_problem(answer, 422)["errors"]
    if operation.is_by_row:
        return
    assert {e["loc"][-1] for e in errors if e["type"] == "extra_forbidden"} == strange


@with_body
def test_the_description_says_that_no_more_fields_are_taken(operation: Operation) -> None:
    assert shape_of(operation)["additionalProperties"] is False


SECURED_READS = [o for o in OPERATIONS if o.method == "GET" and not o.is_public]


@pytest.mark.parametrize("operation", SECURED_READS, ids=str)
async def test_an_unknown_parameter_is_named_with_those_that_are_taken(
    client: httpx.AsyncClient, company: Company, operation: Operation
) -> None:
    known = sorted(p["name"] for p in operation.described.get("parameters", ()) if p["in"] == "query")
    for name in ("limitt", "\0", "é", "a" * 10_000):
        answer = await client.get(operation.address, headers=company.owner.headers, params={name: "1"})
        detail = is_problem(answer, 422)["detail"]
        assert detail.endswith(f"this address takes: {', '.join(known) or 'none'}.")
        assert len(detail) < 1000


async def test_a_parameter_given_twice_is_refused(client: httpx.AsyncClient, company: Company) -> None:
    answer = await client.get("/api/v1/users?limit=1&limit=2", headers=company.owner.headers)
    assert "given more than once" in is_problem(answer, 422)["detail"]


async def test_the_same_question_is_answered_and_refused_alike_however_often_it_is_asked(
    client: httpx.AsyncClient, company: Company
) -> None:
    """What a question means is kept; the next one's is not its, nor that of another address."""
    asked = {
        "/api/v1/users?limit=1": 1,
        "/api/v1/users?limit=2": 2,
        "/api/v1/users?limit=0": "query.limit",
        "/api/v1/keys?limit=1": 0,
        "/api/v1/me/stats/tokens?limit=1": "query.limit: there is no such parameter",
    }
    for _ in range(3):
        for address, expected in asked.items():
            answer = await client.get(address, headers=company.owner.headers)
            if isinstance(expected, int):
                assert len(answer.json()["rows"]) == expected
            else:
                assert is_problem(answer, 422)["detail"].startswith(expected)


@pytest.mark.parametrize(
    "id", ["%00", "x", "1", "%ff", "0" * 5000, "../me", "NaN", "00000000-0000-0000-0000-00000000000g"]
)
async def test_a_path_that_holds_no_id(client: httpx.AsyncClient, company: Company, id: str) -> None:  # noqa: A002
    answer = await client.get(f"/api/v1/users/{id}", headers=company.owner.headers)
    assert answer.status_code in (404, 422) or id == "../me"


NO_INSTANTS = ["1700000000", "1700000000000", "17e8", "0", "2026-05-03", "2026-05-03T08:00:00", "now"]


@pytest.mark.parametrize("given", NO_INSTANTS)
async def test_an_instant_is_spelled_out_with_its_offset(
    client: httpx.AsyncClient, company: Company, given: str
) -> None:
    right = {"since": "2026-05-03T08:00:00Z"}
    assert (await client.get("/api/v1/admin/audit", headers=company.admin.headers, params=right)).status_code == 200
    answer = await client.get("/api/v1/admin/audit", headers=company.admin.headers, params={"since": given})
    is_problem(answer, 422)
    assert answer.json()["errors"][0]["loc"] == ["query", "since"]


@pytest.mark.parametrize("given", [1, 1700000000, 17e8, *NO_INSTANTS])
async def test_a_fact_is_dated_by_an_instant_spelled_out(
    client: httpx.AsyncClient, company: Company, given: object
) -> None:
    message = {"session_id": "s", "id": "m", "role": "user", "created_at": given}
    answer = await client.post("/api/v1/ingest/batches", json={"messages": [message]}, headers=company.viewer.headers)
    told = answer.json()
    assert (answer.status_code, told["stored"], told["rejected"]) == (207, 0, 1)
    assert "created_at" in told["errors"][0]["detail"]


async def test_a_name_is_more_than_blanks(client: httpx.AsyncClient, company: Company) -> None:
    answer = await client.post("/api/v1/keys", json={"name": " \t"}, headers=company.viewer.headers)
    is_problem(answer, 422)
    assert answer.json()["detail"] == "body.name: must not be blank."


async def test_what_is_missing_is_named(client: httpx.AsyncClient, company: Company) -> None:
    owner = company.owner.headers
    of_body = await client.post("/api/v1/keys", headers=owner, json={})
    of_query = await client.get("/api/v1/analytics/export", headers=owner)
    assert is_problem(of_body, 422)["detail"] == "body.name: must be given."
    assert is_problem(of_query, 422)["detail"] == "query.kind: must be given."
