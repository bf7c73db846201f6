"""A1 over HTTP: whatever is wrong with the credentials, one and the same answer, and no connection is asked for."""

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from app.db.engine import Database
from app.settings import Settings
from tests.auth.token_corpus import Signer, corpus
from tests.people import Company, Founder
from tests.serving import all_lent

UNIFORM = {
    "type": "about:blank",
    "title": "Unauthorized",
    "status": 401,
    "detail": "Valid credentials are needed: send 'Authorization: Bearer <token>'; "
    "POST /api/v1/auth/token gives one for an API key.",
    "instance": "/api/v1/me",
}


async def answer_to(app: FastAPI, *authorization: bytes) -> httpx.Response:
    """Past the client's own ideas of what a header may hold."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        return await client.get("/api/v1/me", headers=[(b"authorization", value) for value in authorization])


def is_uniform(answer: httpx.Response) -> None:
    document = answer.json()
    assert document.pop("request_id") == answer.headers["x-request-id"]
    assert document == UNIFORM
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_every_hostile_token_meets_the_same_401_and_no_connection(
    app: FastAPI, settings: Settings, company: Company, database: Database
) -> None:
    assert settings.jwt_secret is not None
    secret = settings.jwt_secret.get_secret_value().encode()
    signer = Signer("HS256", secret, user_id=company.viewer.id, account_id=company.id)
    accepted = await answer_to(app, f"Bearer {signer.token()}".encode())
    assert accepted.status_code == 200, "the corpus must be wrong in nothing but its faults"
    async with all_lent(database, settings.pool_size):
        for name, token in corpus(signer):
            try:
                is_uniform(await answer_to(app, f"Bearer {token}".encode()))
            except AssertionError as error:
                pytest.fail(f"{name}: {error}")


ODD = [
    b"", b"Bearer", b"Bearer ", b"Bearer  ", b"bearer", b"Basic dXNlcjpwYXNz", b"Digest x", b"Token %b", b"%b",
    b"Bearer:%b", b"Bearer\t%b", b"Bearer  %b", b"Bearer %b ", b"Bearer %b,Bearer %b", b"Bearer \0%b", b"Bearer %b\0",
    b"Bearer \xff\xfe", b"Bearer \xc3\xa9", b"Bearer " + b"a" * 2**20, b"Bearer " + b"." * 2**20, b"a" * 2**20,
    b'Bearer "%b"', b"JWT %b",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd[:20]))
async def test_odd_headers_meet_the_same_401_and_no_connection(
    app: FastAPI, settings: Settings, company: Company, database: Database, odd: bytes
) -> None:
    async with all_lent(database, settings.pool_size):
        is_uniform(await answer_to(app, odd.replace(b"%b", company.viewer.token.encode())))


async def test_two_headers_are_no_better_than_none(app: FastAPI, company: Company) -> None:
    """A proxy in front and Tally might each read another one."""
    right = f"Bearer {company.viewer.token}".encode()
    for pair in ((right, right), (right, b"Bearer x"), (b"Basic x", right)):
        is_uniform(await answer_to(app, *pair))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_read_in_any_case(app: FastAPI, company: Company, scheme: str) -> None:
    assert (await answer_to(app, f"{scheme} {company.viewer.token}".encode())).status_code == 200


@tries(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(value=st.binary(max_size=200))
async def test_any_bytes_meet_the_same_401(app: FastAPI, value: bytes) -> None:
    is_uniform(await answer_to(app, value))
    is_uniform(await answer_to(app, b"Bearer " + value))


async def test_a_right_signature_for_nobody_meets_the_same_401(
    app: FastAPI, founder: Founder, company: Company, other_company: Company
) -> None:
    """A member of another account, an account that is not there: a connection is needed, the answer is the same."""
    for user, account in (
        (company.viewer.id, other_company.id),
        (other_company.viewer.id, company.id),
        (company.id, company.id),
        (company.viewer.id, company.viewer.id),
    ):
        is_uniform(await answer_to(app, f"Bearer {founder.authority.issue(user, account)}".encode()))
