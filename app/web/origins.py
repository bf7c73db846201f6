"""Which browser origins may call (CORS). Tokens travel in a header, so no origin is ever allowed cookies."""

from collections.abc import Collection
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response

from app.web.problems import Forbidden

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
SENT = "Authorization, Content-Type, Content-Encoding, Idempotency-Key, If-None-Match, X-Request-ID, X-Tally-Client"
SEEN = (
    "ETag, X-Request-ID, Retry-After, Idempotent-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset,"
    " Content-Disposition"
)
DAY = "86400"


class Origins:
    """The origins of the configuration; `*` allows all."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(origin.rstrip("/") for origin in allowed)

    def headers(self, headers: Headers) -> dict[str, str]:
        """What lets the caller's page read the answer; caches must tell callers apart in any case."""
        if not self._allowed:
            return {}
        if not self._allows(headers.get("origin")):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": headers["origin"],
            "Access-Control-Expose-Headers": SEEN,
        }

    def preflight(self, method: str, headers: Headers) -> Response | None:
        """The answer to a browser that asks before it calls; None for any other request."""
        asks = method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
        if not asks or not self._allowed:
            return None
        if not self._allows(headers["origin"]):
            raise Forbidden("Pages of this origin may not call: TALLY_CORS_ORIGINS names those that may.")
        granted: dict[str, Any] = {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": SENT,
            "Access-Control-Max-Age": DAY,
        }
        return Response(status_code=204, headers=granted)

    def _allows(self, origin: str | None) -> bool:
        return origin is not None and (origin in self._allowed or "*" in self._allowed)
