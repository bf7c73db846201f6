"""GET /api/v1/me."""

from httpx import AsyncClient

from tests.people import Company


async def test_me_shows_the_caller(client: AsyncClient, company: Company) -> None:
    answer = await client.get("/api/v1/me", headers=company.viewer.headers)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "id": str(company.viewer.id),
        "email": "viewer@example.com",
        "name": "viewer",
        "account_role": "viewer",
        "account_id": str(company.id),
        "account_name": "Acme",
        "timezone": "UTC",
    }


async def test_me_needs_credentials(client: AsyncClient) -> None:
    answer = await client.get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
