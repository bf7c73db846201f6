"""Token buckets: the arithmetic by a clock of our own, the headers and the fairness over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.auth import limits
from app.auth.limits import Limits
from app.db.addresses import Addresses
from app.main import create_app
from app.web.problems import TooManyRequests
from tests.people import Company, Founder
from tests.server import settings_for


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: Limits, who: str = "a") -> bool:
    try:
        bucket.take(who)
    except TooManyRequests:
        return False
    return True


def test_a_burst_is_let_through_and_no_more() -> None:
    bucket = Limits(2, 5, Clock())
    assert [taken(bucket) for _ in range(7)] == [True] * 5 + [False] * 2


def test_waiting_as_long_as_told_is_enough_and_waiting_less_is_not() -> None:
    clock = Clock()
    bucket = Limits(1, 3, clock)
    for _ in range(3):
        bucket.take("a")
    clock.now += 0.25
    with pytest.raises(TooManyRequests) as refused:
        bucket.take("a")
    told = int(refused.value.headers["Retry-After"])
    assert told == 1
    clock.now += 0.7
    assert not taken(bucket)
    clock.now += told - 0.7
    assert taken(bucket)


def test_what_is_left_and_when_all_is_back_is_told() -> None:
    clock = Clock()
    bucket = Limits(2, 10, clock)
    assert bucket.take("a") == {"RateLimit-Limit": "10", "RateLimit-Remaining": "9", "RateLimit-Reset": "1"}
    for _ in range(8):
        bucket.take("a")
    assert bucket.take("a") == {"RateLimit-Limit": "10", "RateLimit-Remaining": "0", "RateLimit-Reset": "5"}
    clock.now += 5
    assert bucket.take("a")["RateLimit-Remaining"] == "9"


@settings(derandomize=True, max_examples=200)
@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.integers(1, 8))
def test_no_pattern_of_calls_gets_more_than_burst_and_rate(pauses: list[float], rate: int, burst: int) -> None:
    clock = Clock()
    bucket = Limits(rate, burst, clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        passed += taken(bucket)
    assert passed <= burst + sum(pauses) * rate + 1e-6


def test_buckets_are_bounded_and_the_longest_unused_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 2)
    bucket = Limits(1, 1, Clock())
    assert taken(bucket, "a")
    assert taken(bucket, "b")
    assert not taken(bucket, "a")
    assert taken(bucket, "c"), "pushes out b, not a, which called last"
    assert not taken(bucket, "a")
    assert taken(bucket, "b")


def test_zero_is_no_limit() -> None:
    bucket = Limits(0, 1, Clock())
    assert [bucket.take("a") for _ in range(3)] == [{}] * 3


@pytest.fixture
async def strict(addresses: Addresses) -> AsyncIterator[tuple[httpx.AsyncClient, Founder]]:
    """An application that lets three requests through at once."""
    app = create_app(settings_for(addresses, TALLY_RATE_LIMIT=1, TALLY_RATE_BURST=3))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tally") as client,
    ):
        yield client, Founder(app.state.database, app.state.door.authority)


async def test_a_flood_by_one_key_limits_no_other(strict: tuple[httpx.AsyncClient, Founder]) -> None:
    client, founder = strict
    company: Company = await founder.company()
    flood = [await client.get("/api/v1/me", headers=company.viewer.headers) for _ in range(6)]
    assert [answer.status_code for answer in flood] == [200] * 3 + [429] * 3
    refused = flood[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit-limit"] == "3"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert "1 a second, 3 at once" in refused.json()["detail"]
    for other in (company.engineer, company.owner):
        assert (await client.get("/api/v1/me", headers=other.headers)).status_code == 200
    await asyncio.sleep(1.01)
    assert (await client.get("/api/v1/me", headers=company.viewer.headers)).status_code == 200


async def test_a_key_has_a_bucket_of_its_own_beside_its_owners(strict: tuple[httpx.AsyncClient, Founder]) -> None:
    client, founder = strict
    viewer = (await founder.company()).viewer
    key = (await client.post("/api/v1/keys", headers=viewer.headers, json={"name": "x"})).json()["api_key"]
    token = (await client.post("/api/v1/auth/token", json={"api_key": key})).json()["access_token"]
    for _ in range(4):
        await client.get("/api/v1/me", headers=viewer.headers)
    assert (await client.get("/api/v1/me", headers=viewer.headers)).status_code == 429
    answer = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "2")


async def test_guesses_at_keys_are_limited_by_address(strict: tuple[httpx.AsyncClient, Founder]) -> None:
    client, _ = strict
    guesses = [await client.post("/api/v1/auth/token", json={"api_key": "tly_x"}) for _ in range(4)]
    assert [guess.status_code for guess in guesses] == [401, 401, 401, 429]
