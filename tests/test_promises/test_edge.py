"""L6: whatever is asked, a clear answer goes out, and where it is not 2xx it is one problem document."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute

from app import main
from app.auth.guard import GuardedRoute
from app.db.addresses import Addresses
from app.main import create_app
from app.web import requests
from app.web.problems import Unavailable
from tests.people import Company
from tests.problem import is_problem
from tests.server import settings_for

LARGEST = 2048


async def test_an_address_that_is_not_there(client: httpx.AsyncClient) -> None:
    for path in ("/", "/nope", "/api/v1", "/api/v1/me/", "/api/v1/ME", "/redoc", "/docs/oauth2-redirect", "/%00", "/é"):
        is_problem(await client.get(path), 404)


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "PATCH", "BREW"])
async def test_a_method_that_is_not_taken_names_all_that_are(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/api/v1/users")
    is_problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD, POST"
    one = await client.request(method, "/api/v1/auth/token")
    assert one.headers["allow"] == "POST"


async def test_head_answers_like_get_without_the_body(client: httpx.AsyncClient, company: Company) -> None:
    for path, status in (("/api/v1/me", 200), ("/api/v1/users", 403), ("/health/live", 200), ("/nope", 404)):
        asked = await client.head(path, headers=company.viewer.headers)
        read = await client.get(path, headers=company.viewer.headers)
        assert asked.status_code == read.status_code == status
        assert asked.content == b""
        assert asked.headers["content-type"] == read.headers["content-type"]


@pytest.mark.parametrize("given", ["a", "A-z_0.9", "x" * 128])
async def test_a_sane_request_id_is_echoed(client: httpx.AsyncClient, given: str) -> None:
    assert (await client.get("/nope", headers={"X-Request-ID": given})).json()["request_id"] == given


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, b"a\0", b"\xff", b'{"a":1}', b"a,b", b"<b>", b"../x"])
async def test_any_other_request_id_is_replaced(client: httpx.AsyncClient, given: bytes) -> None:
    answer = await client.get("/nope", headers={b"x-request-id": given})
    made = answer.headers["x-request-id"]
    assert made.encode() != given
    assert len(made) == 32


async def test_safe_headers_are_everywhere(client: httpx.AsyncClient, company: Company) -> None:
    for path in ("/api/v1/me", "/nope", "/docs", "/openapi.json", "/metrics", "/health/live"):
        headers = (await client.get(path, headers=company.viewer.headers)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert headers.get_list("x-request-id") == headers.get_list("x-request-id")[:1]


def odd_routes(prefix: str, route_class: type[APIRoute]) -> APIRouter:
    router = APIRouter(prefix=prefix, route_class=route_class)

    @router.get("/crash", include_in_schema=False)
    async def crash() -> None:
        raise RuntimeError("SELECT secret FROM users WHERE token = 'canary'")

    @router.get("/away", include_in_schema=False)
    async def away() -> None:
        raise Unavailable("Come again.", retry_after=7)

    @router.get("/cut", include_in_schema=False)
    async def cut() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"the first"
            raise Unavailable("Come again.", retry_after=7)

        return StreamingResponse(pieces())

    @router.post("/length", include_in_schema=False)
    async def length(request: Request) -> int:
        return len(await request.body())

    @router.get("/slow", include_in_schema=False)
    async def slow() -> None:
        await asyncio.sleep(30)

    return router


@pytest.fixture(scope="module")
def odd(addresses: Addresses) -> FastAPI:
    """The application with small bodies, a front end's origin, and routes that misbehave."""
    values = {"TALLY_MAX_BODY_BYTES": LARGEST, "TALLY_CORS_ORIGINS": "https://app.example.com, http://localhost:5173/"}
    with pytest.MonkeyPatch.context() as patch:
        # Those of the application go past the framework's layers; others do not.
        patch.setattr(main, "ROUTERS", (*main.ROUTERS, odd_routes("/ours", GuardedRoute)))
        app = create_app(settings_for(addresses, **values))
    app.include_router(odd_routes("", APIRoute))
    return app


@pytest.fixture
async def at_odd(odd: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(odd, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        yield client


WAYS = pytest.mark.parametrize("way", ["", "/ours"])


@WAYS
async def test_a_crash_reveals_nothing(at_odd: httpx.AsyncClient, way: str) -> None:
    document = is_problem(await at_odd.get(f"{way}/crash"), 500)
    assert document["detail"].startswith("Something went wrong on our side")


@WAYS
async def test_unavailable_says_when_to_come_again(at_odd: httpx.AsyncClient, way: str) -> None:
    answer = await at_odd.get(f"{way}/away")
    is_problem(answer, 503)
    assert answer.headers["retry-after"] == "7"


@WAYS
async def test_an_answer_that_is_cut_short_is_logged(
    at_odd: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Its status said 200 before: nothing else tells."""
    events: list[str] = []

    def note(event: str, **_: object) -> None:
        events.append(event)

    monkeypatch.setattr(requests, "log", SimpleNamespace(error=note, info=note))
    with pytest.raises(AssertionError):  # of the transport: the answer has no end
        await at_odd.get(f"{way}/cut")
    await asyncio.sleep(0)  # told behind the answer
    assert events == ["crash", "request"]


class Counted:
    """A body in pieces of 1 KiB that knows how much of it was asked for."""

    def __init__(self, pieces: int) -> None:
        self.read = 0
        self.pieces = pieces

    def messages(self) -> Iterator[dict[str, Any]]:
        for n in range(self.pieces):
            self.read += 1
            yield {"type": "http.request", "body": b" " * 1024, "more_body": n < self.pieces - 1}


async def post(app: FastAPI, path: str, body: Counted, *headers: tuple[bytes, bytes]) -> tuple[int, bytes]:
    """Straight at the application, so that nothing else reads ahead."""
    messages, sent = body.messages(), []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("t", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    return (sent[0]["status"], sent[1]["body"]) if sent else (0, b"")


async def test_a_body_that_announces_too_much_is_not_read_at_all(odd: FastAPI) -> None:
    body = Counted(3)
    status, said = await post(odd, "/length", body, (b"content-length", b"3072"))
    assert (status, body.read) == (413, 0)
    assert json.loads(said)["detail"] == "The request body may have at most 2048 bytes: send less at once."


async def test_a_body_in_chunks_is_read_no_further_than_the_limit(odd: FastAPI) -> None:
    body = Counted(100)
    status, said = await post(odd, "/length", body, (b"transfer-encoding", b"chunked"))
    assert (status, body.read) == (413, 3)
    assert "2048" in json.loads(said)["detail"]


async def test_a_body_of_exactly_the_limit_is_taken(odd: FastAPI) -> None:
    assert await post(odd, "/length", Counted(2), (b"content-length", b"2048")) == (200, b"2048")


async def test_a_body_too_large_for_json_is_413(at_odd: httpx.AsyncClient) -> None:
    is_problem(await at_odd.post("/api/v1/auth/token", json={"api_key": "x" * LARGEST}), 413)


async def test_a_caller_who_leaves_is_counted_as_gone_not_as_failed(odd: FastAPI) -> None:
    """Whether the request is cancelled or the body breaks off."""
    task = asyncio.create_task(post_slow(odd))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await post(odd, "/api/v1/auth/token", LeftEarly(1), (b"content-type", b"application/json"))
    await asyncio.sleep(0)  # counted behind the answer
    registry = odd.state.metrics
    for labels in ({"method": "GET", "route": "/slow"}, {"method": "POST", "route": "/api/v1/auth/token"}):
        assert registry.get_sample_value("tally_requests_total", {**labels, "status": "499"}) == 1
        for never in ("0", "500"):
            assert registry.get_sample_value("tally_requests_total", {**labels, "status": never}) is None


async def post_slow(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tally") as client:
        await client.get("/slow")


class LeftEarly(Counted):
    def messages(self) -> Iterator[dict[str, Any]]:
        yield {"type": "http.request", "body": b"{", "more_body": True}
        yield {"type": "http.disconnect"}


ORIGIN = "https://app.example.com"


@pytest.mark.parametrize("path", ["/api/v1/me", "/health/live", "/crash", "/nope"])
async def test_pages_of_a_configured_origin_may_read_every_answer(at_odd: httpx.AsyncClient, path: str) -> None:
    answer = await at_odd.get(path, headers={"Origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Origin"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.com.evil.example", "*", ""])
async def test_pages_of_any_other_origin_may_not(at_odd: httpx.AsyncClient, origin: str) -> None:
    answer = await at_odd.get("/health/live", headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    is_problem(await at_odd.options("/api/v1/me", headers=asked), 403)


async def test_a_browser_that_asks_first_is_told(at_odd: httpx.AsyncClient) -> None:
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "PATCH"}
    answer = await at_odd.options("/api/v1/users/x", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]


async def test_without_configured_origins_no_preflight_is_granted(client: httpx.AsyncClient) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    is_problem(await client.options("/api/v1/me", headers=asked), 405)
