"""Around every request: an id, a time, a line in the log, a number for the metrics, safe headers, no bare crash.

Pure ASGI: a BaseHTTPMiddleware costs half of the throughput.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.secrets import suspicious
from app.web.answers import UNEXPECTED, respond, translate
from app.web.logs import shown
from app.web.origins import Origins
from app.web.problems import Problem
from app.web.questions import Window

log = structlog.get_logger("tally.web")

SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
DEFAULTS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
# Probes come every few seconds and say nothing new.
QUIET = ("/health/", "/metrics")
# Who calls says so with this header; whoever says nothing we know is a program of one's own.
CLIENT, CLIENTS, PROGRAM = b"x-tally-client", {b"web": "web", b"cli": "cli"}, "api"
# Anybody may invent a method; the metrics know these.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Nobody was there to be answered: nginx's number for it, seen in logs and metrics alone.
GONE = 499
LONGEST_ADDRESS = 200
UNKNOWN = "unknown"


class Requests:
    """The outermost layer of our own. `finished` hears of every answer, soon after it is given."""

    def __init__(
        self, app: ASGIApp, registry: CollectorRegistry, origins: Origins, finished: Callable[["Exchange"], None]
    ) -> None:
        self.app = app
        self.origins = origins
        self.finished = finished
        labels = ("method", "route", "status")
        self.count = Counter("tally_requests", "Requests answered.", labels, registry=registry)
        self.seconds = Histogram(
            "tally_request_seconds",
            "Time to the last byte of the answer.",
            ("method", "route"),
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        # By method, route and status, each looked up once: both look for their labels under a lock.
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        except Exception as error:  # noqa: BLE001 - the one place where an unforeseen error ends
            await self._crashed(exchange, error)
        finally:
            exchange.end()
            # Behind the answers of this turn of the loop, all at once: a tenth off a 304 (measured, 8 callers).
            asyncio.get_running_loop().call_soon(self._account_for, exchange)

    async def _answer(self, exchange: "Exchange") -> None:
        headers = Headers(scope=exchange.scope)
        exchange.added.update(self.origins.headers(headers))
        answer = self.origins.preflight(exchange.method, headers) or self.app
        await answer(exchange.scope, exchange.receive, exchange.send)

    async def _crashed(self, exchange: "Exchange", error: Exception) -> None:
        problem = translate(error)
        if (problem is None or exchange.status) and exchange.status != GONE:
            log.error("crash", request_id=exchange.request_id, **shown(error))
        if not exchange.status:
            await respond(exchange.scope, problem or Problem(UNEXPECTED))(
                exchange.scope, exchange.receive, exchange.send
            )

    def _account_for(self, exchange: "Exchange") -> None:
        method, route, status = exchange.method, exchange.route, exchange.status
        count, seconds = self._counted.get((method, route, status)) or self._count(method, route, status)
        count.inc()
        seconds.observe(exchange.elapsed)
        self.finished(exchange)
        if not route.startswith(QUIET):
            log.info(
                "request",
                method=method,
                route=route,
                status=status,
                ms=round(exchange.elapsed * 1000, 2),
                request_id=exchange.request_id,
                **exchange.caller,
            )

    def _count(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        found = self.count.labels(method, route, status), self.seconds.labels(method, route)
        self._counted[method, route, status] = found
        return found


async def until_left(request: Request, tell: Callable[[], None]) -> None:
    """`tell`s once the client hung up. Only for a request whose body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    tell()


class Exchange:
    """One request and its answer, as far as it has come."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.began = time.perf_counter()
        self.elapsed = 0.0
        self.status = 0
        self.route = UNKNOWN
        self.is_head = scope["method"] == "HEAD"
        self.method = scope["method"] if scope["method"] in METHODS else "other"
        self._receive, self._send = receive, send
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        is_sane = SANE_ID.fullmatch(given) and not suspicious(given)
        self.request_id = given.decode() if is_sane else os.urandom(16).hex()
        self.client_kind = CLIENTS.get(headers.get(CLIENT, b""), PROGRAM)
        self.ip: str | None = scope["client"][0][:LONGEST_ADDRESS] if scope.get("client") else None
        self.added: dict[str, str] = {}
        state = {
            **scope.get("state", {}),
            "request_id": self.request_id,
            "headers": self.added,
            "caller": {},
            "client_kind": self.client_kind,
            "ip": self.ip,
        }
        # What can be read can be asked about: HEAD is GET without the body.
        self.scope = {**scope, "state": state, "method": "GET" if self.is_head else scope["method"]}

    def end(self) -> None:
        self.elapsed = time.perf_counter() - self.began
        self.status = self.status or GONE
        # The template, not the path: paths are endless and may name people.
        self.route = getattr(self.scope.get("route"), "path", None) or UNKNOWN

    @property
    def query(self) -> bytes:
        given: bytes = self.scope["query_string"]
        return given

    @property
    def caller(self) -> Mapping[str, Any]:
        known: Mapping[str, Any] = self.scope["state"]["caller"]
        return known

    @property
    def path_parameters(self) -> Mapping[str, str]:
        """What the path names, as it was written."""
        given: Mapping[str, str] = self.scope.get("path_params", {})
        return given

    @property
    def window(self) -> Window | None:
        """The time that a report was asked of, once it said so."""
        used: Window | None = self.scope["state"].get("window")
        return used

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self.status:
            self.status = GONE
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = self.status or message["status"]
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        elif self.is_head:
            message = {**message, "body": b""}
        await self._send(message)

    def _headers(self, given: Any) -> list[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in given}
        headers = [*given, *SAFE_HEADERS, *(default for default in DEFAULTS if default[0] not in present)]
        headers += [(n.lower().encode(), v.encode()) for n, v in self.added.items()]
        headers.append((b"x-request-id", self.request_id.encode()))
        return headers
