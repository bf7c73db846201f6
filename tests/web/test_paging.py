"""Lists: a total order, nothing twice and nothing missed while others write, cursors that fit one list."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from app.facts.identity import session_key
from tests.people import Company, Person

LISTS = ["/api/v1/users", "/api/v1/keys"]
every_list = pytest.mark.parametrize("path", LISTS)
NOT_A_CURSOR = "The cursor is not one this list gave to this account: start again without it."


async def add(client: AsyncClient, path: str, owner: Person) -> str:
    sent = {"name": "x"} if path.endswith("keys") else {"name": "x", "email": f"{uuid4().hex}@example.com"}
    return str((await client.post(path, headers=owner.headers, json=sent)).json()["id"])


async def walk(
    client: AsyncClient, path: str, owner: Person, limit: int, between: Callable[[], Awaitable[Any]] | None = None
) -> list[dict[str, Any]]:
    """Every page, with something happening between two."""
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = (await client.get(path, headers=owner.headers, params=query)).json()
        assert len(page["rows"]) <= limit
        rows += page["rows"]
        if page["next_cursor"] is None:
            return rows
        query["cursor"] = page["next_cursor"]
        if between:
            await between()


async def first_cursor(client: AsyncClient, path: str, owner: Person) -> str:
    for _ in range(2):
        await add(client, path, owner)
    return str((await client.get(path, headers=owner.headers, params={"limit": 1})).json()["next_cursor"])


@every_list
@pytest.mark.parametrize("limit", [1, 3, 4, 200])
async def test_pages_together_are_the_list(client: AsyncClient, company: Company, path: str, limit: int) -> None:
    for _ in range(8):
        await add(client, path, company.owner)
    whole = await walk(client, path, company.owner, 200)
    assert await walk(client, path, company.owner, limit) == whole
    order = [row["email"] if "email" in row else row["id"] for row in whole]
    assert order == sorted(order)
    assert len(set(order)) == len(order) >= 8


@every_list
async def test_nothing_is_missed_or_shown_twice_while_others_add(
    client: AsyncClient, company: Company, path: str
) -> None:
    there = {await add(client, path, company.owner) for _ in range(12)}
    seen = await walk_a_little(client, path, company.owner)
    assert there <= set(seen)
    assert len(set(seen)) == len(seen)


async def walk_a_little(client: AsyncClient, path: str, owner: Person) -> list[str]:
    """Keys are added at the end, so the writer must stop before the reader can arrive."""
    left = iter(range(6))

    async def between() -> None:
        if next(left, None) is not None:
            await add(client, path, owner)

    return [row["id"] for row in await walk(client, path, owner, 2, between)]


@every_list
@pytest.mark.parametrize("spoil", [
    lambda c: c[:-1], lambda c: c[1:], lambda c: c[: len(c) // 2], lambda c: c + "A", lambda c: c[::-1],
    lambda c: ("B" if c[0] == "A" else "A") + c[1:], lambda _: "", lambda _: "x", lambda _: "=", lambda _: "\0",
    lambda _: "é", lambda _: "A" * 400,
], ids=range(12))  # fmt: skip
async def test_a_spoilt_cursor_is_refused(
    client: AsyncClient, company: Company, path: str, spoil: Callable[[str], str]
) -> None:
    cursor = spoil(await first_cursor(client, path, company.owner))
    answer = await client.get(path, headers=company.owner.headers, params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["detail"] == NOT_A_CURSOR
    assert answer.json()["errors"][0]["loc"] == ["query", "cursor"]


@every_list
async def test_a_cursor_fits_one_account_and_one_list(
    client: AsyncClient, company: Company, other_company: Company, path: str
) -> None:
    cursor = {"cursor": await first_cursor(client, path, company.owner)}
    (other_list,) = set(LISTS) - {path}
    for address, owner in ((path, other_company.owner), (other_list, company.owner)):
        answer = await client.get(address, headers=owner.headers, params=cursor)
        assert (answer.status_code, answer.json()["detail"]) == (422, NOT_A_CURSOR)
    assert (await client.get(path, headers=company.owner.headers, params=cursor)).status_code == 200


JUST_NOW = datetime.now(UTC).isoformat()
MESSAGES = [{"session_id": f"s{n % 2}", "id": f"{n}", "role": "user", "created_at": JUST_NOW} for n in range(4)]
FILES = [{"name": f"{n}.jsonl", "sha256": "a" * 64, "size": 1} for n in range(2)]


@pytest.fixture
async def cursors(client: AsyncClient, app: FastAPI, company: Company) -> dict[str, str]:
    """Of every list that has pages, the cursor of the owner's second one."""
    for path, sent in (
        ("keys", {"name": "x"}),
        ("keys", {"name": "y"}),
        ("ingest/batches", {"messages": MESSAGES}),
        ("sync/pushes", {"files": FILES}),
    ):
        answer = await client.post(f"/api/v1/{path}", headers=company.owner.headers, json=sent)
        assert answer.is_success, answer.text
    for path in ("sync/manifest", "analytics/usage") * 2:
        assert (await client.get(f"/api/v1/{path}", headers=company.owner.headers)).status_code == 200
    assert await app.state.trail.flush()
    found = {}
    for path, operations in app.openapi()["paths"].items():
        if any(part["name"] == "cursor" for part in operations.get("get", {}).get("parameters", ())):
            address = path.format(session_id=session_key(company.id, "s0"))
            page = await client.get(address, headers=company.owner.headers, params={"limit": 1})
            found[address] = page.json()["next_cursor"]
    return found


async def test_no_list_takes_the_cursor_of_another(
    client: AsyncClient, company: Company, cursors: dict[str, str]
) -> None:
    assert len(cursors) >= 9
    assert all(cursors.values())
    for address in cursors:
        for source, cursor in cursors.items():
            answer = await client.get(address, headers=company.owner.headers, params={"cursor": cursor})
            assert answer.status_code == (200 if source == address else 422), (address, source)


@pytest.mark.parametrize("path", ["/api/v1/keys", "/api/v1/transcripts"])
async def test_the_cursor_of_one_member_s_list_is_not_one_of_another_s(
    client: AsyncClient, company: Company, cursors: dict[str, str], path: str
) -> None:
    """Nor for an admin, who may ask for both."""
    for person, given, status in (
        (company.viewer, {}, 422),
        (company.admin, {}, 422),
        (company.admin, {"user_id": str(company.viewer.id)}, 422),
        (company.owner, {"user_id": str(company.viewer.id)}, 422),
        (company.owner, {"user_id": str(company.owner.id)}, 200),
    ):
        answer = await client.get(path, headers=person.headers, params={"cursor": cursors[path], **given})
        assert answer.status_code == status, (person.role, given)


@every_list
@pytest.mark.parametrize(("limit", "said"), [
    ("0", "1"), ("-1", "1"), ("201", "200"), (str(2**64), "200"), ("x", "integer"), ("", "integer"), ("1.5", "integer"),
    ("1e1", "integer"), ("null", "integer"), ("\0", "integer"), ("NaN", "integer"),
])  # fmt: skip
async def test_a_limit_out_of_bounds_is_refused_with_the_bound(
    client: AsyncClient, company: Company, path: str, limit: str, said: str
) -> None:
    answer = await client.get(path, headers=company.owner.headers, params={"limit": limit})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert answer.json()["detail"].startswith("query.limit: ")


async def test_a_cursor_too_long_is_refused_with_the_bound(client: AsyncClient, company: Company) -> None:
    answer = await client.get("/api/v1/users", headers=company.owner.headers, params={"cursor": "A" * 501})
    assert answer.status_code == 422
    assert "500" in answer.json()["detail"]
