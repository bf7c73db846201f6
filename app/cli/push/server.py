"""The server as a push sees it: a key becomes tokens, what passes is waited for, what does not is said."""

import asyncio
import base64
import math
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from uuid import uuid4

import httpx
import orjson

from app import __version__
from app.cli.push.faults import Lost, Refused

TIMEOUT = httpx.Timeout(90, connect=10)
PASSING = {408, 409, 425, 429, 502, 503, 504}
SHORTEST_S, LONGEST_S = 0.5, 20.0
# A token is renewed this long before its end.
MARGIN_S = 60
FIRST_S = 10.0
SHOWN = 300

Body = Callable[[], Any]


@dataclass
class Server:
    """Every call either answers 2xx, or raises Refused, or, after `patience` seconds without an answer, Lost."""

    url: str
    key: str
    patience: float
    waiting: Callable[[str], None] = lambda _: None
    _client: httpx.AsyncClient | None = None
    # Nobody ever answered: where nothing is, waiting long is of no use.
    _met: bool = False
    _token: str = ""
    _until: float = 0.0
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def sign_in(self) -> dict[str, Any]:
        """The claims of whom the key belongs to: account_id and sub."""
        token = await self._bearer()
        try:
            payload = token.split(".")[1]
            claims: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, IndexError):
            raise Refused(0, f"{self.url} gave no token that can be read: is it a Tally server?") from None
        return claims

    async def get(self, path: str, **parameters: str | int) -> Any:
        return self._json(await self._answered("GET", path, lambda: {"params": parameters}))

    async def post(self, path: str, value: Any) -> Any:
        body = orjson.dumps(value)
        return self._json(await self._answered("POST", path, lambda: {"content": body, "headers": JSON}))

    async def send(self, path: str, packed: Callable[[], Any], kind: str, **parameters: str) -> Any:
        """A packed body, once whatever happens: sent again it has the same key."""
        headers = {"Content-Type": kind, "Content-Encoding": "gzip", "Idempotency-Key": f"push-{uuid4()}"}
        answer = await self._answered(
            "POST", path, lambda: {"content": packed(), "headers": headers, "params": parameters}
        )
        return self._json(answer)

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise Refused(0, f"{self.url} answered what is no JSON: is it a Tally server?") from None

    async def _bearer(self) -> str:
        async with self._renewing:
            if time.monotonic() >= self._until:
                await self._exchange()
            return self._token

    async def _exchange(self) -> None:
        if self.key.count(".") == 2:  # a token of an identity provider is taken as it is
            self._token, self._until = self.key, float("inf")
            return
        if not self.key:
            raise Lost("There is no API key.")
        offer = {"content": orjson.dumps({"api_key": self.key}), "headers": JSON}
        answer = await self._patiently("POST", "/api/v1/auth/token", lambda: offer)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise Refused(401, "it does not know this API key, or the key was revoked; see TALLY_API_KEY and --key.")
        given = self._json(accepted(answer))
        try:
            self._token = given["access_token"]
            self._until = time.monotonic() + max(given["expires_in"] - MARGIN_S, given["expires_in"] / 2)
        except (KeyError, TypeError):
            raise Refused(0, f"{self.url} gave no token: is it a Tally server?") from None

    def _patience(self) -> float:
        return self.patience if self._met or math.isinf(self.patience) else min(self.patience, FIRST_S)

    async def _answered(self, method: str, path: str, body: Body) -> httpx.Response:
        answer = await self._patiently(method, path, body, signed=True)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._until = 0.0  # it ended early; a new one is asked for once
            answer = await self._patiently(method, path, body, signed=True)
        return accepted(answer)

    async def _patiently(self, method: str, path: str, body: Body, *, signed: bool = False) -> httpx.Response:
        """The first answer that is not passing."""
        client = self._client = self._client or client_of(self.url)
        began, tries = time.monotonic(), 0
        while True:
            headers = {"Authorization": f"Bearer {await self._bearer()}"} if signed else {}
            given = body()
            try:
                answer = await client.request(method, path, **{**given, "headers": headers | given.get("headers", {})})
            except httpx.TransportError as error:
                why, wanted = silence(error, self.url), 0.0
            else:
                self._met = True
                if answer.status_code not in PASSING:
                    return answer
                why, wanted = f"{self.url} answers {answer.status_code}: {detail(answer)}", retry_after(answer)
            pause = max(min(SHORTEST_S * 2 ** min(tries, 10), LONGEST_S) * random.uniform(0.5, 1), wanted)  # noqa: S311
            if time.monotonic() - began + pause > self._patience():
                raise Lost(why)
            tries += 1
            self.waiting(why)
            await asyncio.sleep(pause)


JSON = {"Content-Type": "application/json"}


def client_of(url: str) -> httpx.AsyncClient:
    """Made when something is first asked, as what it needs may be missing: a dry run does without."""
    agent = {"User-Agent": f"tally-push/{__version__}", "X-Tally-Client": "cli"}
    try:
        return httpx.AsyncClient(base_url=url, timeout=TIMEOUT, headers=agent)
    except OSError as error:  # of ssl as well
        name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        why = "is not there" if isinstance(error, FileNotFoundError) else "holds no certificates that can be read"
        raise Lost(f"{os.environ.get(name)}, which {name} names, {why}: name the file of your CA, as PEM.") from None
    except (ValueError, httpx.InvalidURL):
        raise Lost("HTTP_PROXY, HTTPS_PROXY or ALL_PROXY holds no address of a proxy: mend or unset it.") from None


def accepted(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise Refused(answer.status_code, detail(answer))
    return answer


def detail(answer: httpx.Response) -> str:
    """The server's own sentence."""
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("detail"), str):
        return str(said["detail"])[:SHOWN]
    if answer.is_redirect:
        return f"it sends elsewhere ({answer.headers.get('location', '')[:SHOWN]}): name that address."
    return f"{answer.reason_phrase or 'no reason given'}."


def retry_after(answer: httpx.Response) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else 0.0


def silence(error: httpx.TransportError, url: str) -> str:
    """Why nothing came. What waiting does not mend is Refused at once."""
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        raise Refused(0, f"The certificate of {url} is signed by nobody known here: set SSL_CERT_FILE to its CA.")
    if isinstance(error, httpx.UnsupportedProtocol) or "[SSL" in said:
        raise Refused(0, f"{url} cannot be spoken to: {said}.")
    if isinstance(error, httpx.TimeoutException):
        return f"{url} did not answer in time."
    if isinstance(error, httpx.ProxyError):
        return f"The proxy before {url} does not let us through: {said}."
    return f"Nothing answers at {url}{beyond(url)}."


def beyond(url: str) -> str:
    """Through which proxy it is asked for."""
    parts, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return ""
    name = f"{parts.scheme.upper()}_PROXY"
    return f", asked for through the proxy {proxy.rpartition('@')[2]}: see {name}, ALL_PROXY and NO_PROXY"
