"""Lists: a total order, nothing twice and nothing missed while others write, cursors that fit one list."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

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
