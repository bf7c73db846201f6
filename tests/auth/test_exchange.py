"""POST /api/v1/auth/token: a key for a token, and one answer for every key that opens nothing."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from httpx import AsyncClient, Response

from app.auth.keys import make
from app.settings import Settings
from tests.people import Company, Person

TOKEN = "/api/v1/auth/token"
Key = dict[str, Any]


async def offer(client: AsyncClient, key: object) -> Response:
    return await client.post(TOKEN, json={"api_key": key})


async def new_key(client: AsyncClient, whose: Person) -> Key:
    made = await client.post("/api/v1/keys", headers=whose.headers, json={"name": "ci"})
    key: Key = made.json()
    return key


async def test_a_key_is_exchanged_for_a_token_of_its_owner(
    client: AsyncClient, company: Company, settings: Settings
) -> None:
    key = await new_key(client, company.engineer)
    answer = await offer(client, key["api_key"])
    assert answer.status_code == 200, answer.text
    token = answer.json()
    assert token.keys() == {"access_token", "token_type", "expires_in", "me"}
    assert token["token_type"] == "bearer"
    me = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert me.json()["id"] == str(company.engineer.id)
    assert token["me"] == me.json()


async def test_expires_in_is_when_the_token_expires(client: AsyncClient, company: Company, settings: Settings) -> None:
    before = int(time.time())
    token = (await offer(client, (await new_key(client, company.viewer))["api_key"])).json()
    claims = jwt.decode(token["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == token["expires_in"] == settings.token_seconds
    assert before <= claims["iat"] <= int(time.time())


async def test_use_is_noted(client: AsyncClient, company: Company) -> None:
    key = await new_key(client, company.viewer)
    assert key["last_used_at"] is None
    await offer(client, key["api_key"])
    (listed,) = (await client.get("/api/v1/keys", headers=company.viewer.headers)).json()["rows"]
    assert listed["last_used_at"] >= listed["created_at"]


def unknown(company: Company, _key: Key) -> str:
    return make(company.id).text


def of_no_account(_company: Company, _key: Key) -> str:
    return make(uuid4()).text


def of_another_account(company: Company, key: Key) -> str:
    """The right secret under another account's id."""
    secret: str = key["api_key"].split("_", 2)[2]
    return f"tly_{company.admin.id.hex}_{secret}"


def a_character_off(_company: Company, key: Key) -> str:
    text: str = key["api_key"]
    return text[:-1] + ("A" if text[-1] != "A" else "B")


def malformed(_company: Company, _key: Key) -> str:
    return "tly_nonsense\0"


@pytest.mark.parametrize("spoil", [unknown, of_no_account, of_another_account, a_character_off, malformed])
async def test_keys_that_open_nothing_meet_one_answer(
    client: AsyncClient, company: Company, spoil: Callable[[Company, Key], str]
) -> None:
    is_refused(await offer(client, spoil(company, await new_key(client, company.viewer))))


async def test_a_revoked_key_opens_nothing(client: AsyncClient, company: Company) -> None:
    key = await new_key(client, company.viewer)
    await client.delete(f"/api/v1/keys/{key['id']}", headers=company.viewer.headers)
    is_refused(await offer(client, key["api_key"]))


async def test_a_key_of_an_inactive_member_opens_nothing(client: AsyncClient, company: Company) -> None:
    key = await new_key(client, company.viewer)
    away = {"active": False}
    await client.patch(f"/api/v1/users/{company.viewer.id}", headers=company.admin.headers, json=away)
    is_refused(await offer(client, key["api_key"]))


def is_refused(answer: Response) -> None:
    document = answer.json()
    del document["request_id"]
    assert document == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "Valid credentials are needed: send 'Authorization: Bearer <token>'; "
        "POST /api/v1/auth/token gives one for an API key.",
        "instance": TOKEN,
    }
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("body", [{}, {"api_key": None}, {"api_key": 7}, {"api_key": ""}, {"api_key": "x" * 201}, []])
async def test_what_is_no_offer_is_422_and_is_not_repeated(client: AsyncClient, body: object) -> None:
    answer = await client.post(TOKEN, json=body)
    assert answer.status_code == 422
    assert "x" * 20 not in answer.text
