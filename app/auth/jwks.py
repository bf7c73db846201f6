"""The identity provider's public keys: fetched, kept and renewed without making anybody wait."""

import asyncio
import contextlib
import json
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol

import httpx
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWTError
from jwt.algorithms import get_default_algorithms

from app.web.problems import Unavailable

LARGEST_DOCUMENT = 256 * 1024
ALGORITHMS = get_default_algorithms()

log = structlog.get_logger()


@dataclass(frozen=True)
class Pace:
    """How often the endpoint is asked, and how long an answer counts. Seconds."""

    refresh: float = 300  # a key removed there is refused here after this, plus one fetch
    cool_down: float = 30  # between two fetches once keys are known, however many unknown kids arrive
    retry: float = 1  # between two fetches while there is no key at all
    # Old keys outlive an outage this long: as long as a token may live, so an identity provider that is
    # really down has no valid token left by then, and who can silence it cannot keep a removed key for ever.
    keep: float = 24 * 3600
    timeout: float = 5  # of one fetch as a whole, however slowly it trickles


class Misconfigured(Exception):
    """One plain sentence for the operator."""


class KeySource(Protocol):
    """Where the key for a token comes from."""

    async def find(self, algorithm: str, kid: str | None) -> Any | None: ...


class Unfetched(Exception):
    """Why a fetch brought no key set, in words for the log."""


def fits(algorithm: str, key: Any) -> bool:
    """Whether the key is of the type, curve and size that the algorithm wants."""
    try:
        return ALGORITHMS[algorithm].check_key_length(ALGORITHMS[algorithm].prepare_key(key)) is None
    except (PyJWTError, TypeError, ValueError):
        return False


def read_pem(text_or_path: str) -> Any:
    """The public key an operator gave, as PEM or as the path of a PEM file."""
    # Some env files can only carry line ends as backslash and n.
    text = text_or_path.replace("\\n", "\n")
    if "-----BEGIN" not in text:
        try:
            text = Path(text_or_path).read_text(encoding="ascii")
        except (OSError, ValueError):
            raise Misconfigured("TALLY_JWT_PUBLIC_KEY is neither PEM text nor a readable PEM file.") from None
    if "PRIVATE KEY" in text:
        raise Misconfigured("TALLY_JWT_PUBLIC_KEY holds a private key: give Tally the public key only.")
    if "CERTIFICATE" in text:
        raise Misconfigured("TALLY_JWT_PUBLIC_KEY holds a certificate: give Tally its public key in PEM.")
    try:
        return load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise Misconfigured("TALLY_JWT_PUBLIC_KEY cannot be read as a PEM public key.") from None


def check_url(url: str) -> None:
    """Refuse what is not https, loopback aside. The URL is the operator's, so any host is fair."""
    try:
        parsed = httpx.URL(url)
        loopback = parsed.host == "localhost" or ip_address(parsed.host).is_loopback
    except httpx.InvalidURL:
        raise Misconfigured("TALLY_JWKS_URL is not a URL.") from None
    except ValueError:
        loopback = False
    if not parsed.host or not (parsed.scheme == "https" or (parsed.scheme == "http" and loopback)):
        raise Misconfigured("TALLY_JWKS_URL must be an https URL (http is for this machine only).")


@dataclass
class KeySet:
    """The usable keys of one JWKS document."""

    by_kid: dict[tuple[str, str], Any] = field(default_factory=dict)
    by_algorithm: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, algorithm: str, kid: str | None, key: Any) -> None:
        self.by_algorithm.setdefault(algorithm, []).append(key)
        if kid is not None:
            self.by_kid.setdefault((algorithm, kid), key)

    def find(self, algorithm: str, kid: str | None) -> Any | None:
        """The key of that name; for a token that names none, the only one that fits."""
        if kid is not None:
            return self.by_kid.get((algorithm, kid))
        fitting = self.by_algorithm.get(algorithm, [])
        return fitting[0] if len(fitting) == 1 else None


def read_keys(document: bytes, algorithms: Collection[str]) -> KeySet:
    """What can be used of a JWKS document. A key that cannot is skipped: it may be meant for others."""
    try:
        entries = json.loads(document.decode())["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unfetched("it is not a JSON key set") from None
    if not isinstance(entries, list):
        raise Unfetched("its keys are not a list")
    keys = KeySet()
    for entry in entries:
        if isinstance(entry, dict) and _is_for_verifying(entry):
            for algorithm, key in _keys_of(entry, algorithms):
                keys.add(algorithm, entry.get("kid"), key)
    return keys


def _is_for_verifying(entry: dict[str, Any]) -> bool:
    """A public signature key. A published secret or private key proves nothing: anybody may have read it."""
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("kty") in ("RSA", "EC", "OKP")
        and "d" not in entry
        and entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(entry.get("kid", ""), str)
    )


def _keys_of(entry: dict[str, Any], algorithms: Collection[str]) -> Iterator[tuple[str, Any]]:
    for algorithm in algorithms:
        if entry.get("alg", algorithm) == algorithm:
            with contextlib.suppress(PyJWTError, UnsupportedAlgorithm, ValueError, TypeError):
                key = PyJWK(entry, algorithm).key
                if fits(algorithm, key):
                    yield algorithm, key


class Jwks:
    """Keys by name. Whoever holds a token of a known key never waits for the network.

    The first fetch is waited for. After it a task renews the keys in the background, so a slow endpoint
    delays nobody; an unknown kid is worth one fetch per cool-down, which all who ask meanwhile share.
    """

    def __init__(
        self,
        url: str,
        algorithms: Collection[str],
        *,
        client: httpx.AsyncClient | None = None,
        pace: Pace | None = None,
    ) -> None:
        check_url(url)
        self._url = url
        self._algorithms = tuple(algorithms)
        # http means loopback here, and a proxy from the environment has no business there.
        self._client = client or httpx.AsyncClient(trust_env=url.startswith("https"))
        self._client_is_lent = client is not None
        self._pace = pace or Pace()
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._flight: asyncio.Task[None] | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def find(self, algorithm: str, kid: str | None) -> Any | None:
        """The key, or None when the provider does not have it; Unavailable when no key could be had."""
        keys = self._fresh_keys()
        if keys is None:
            await self._fetch_once(self._pace.retry)
            keys = self._fresh_keys()
            if keys is None:
                raise Unavailable("The identity provider's keys could not be fetched; try again.")
        self._keep_renewing()
        key = keys.find(algorithm, kid)
        if key is None and await self._fetch_once(self._pace.cool_down):
            key = (self._fresh_keys() or keys).find(algorithm, kid)
        return key

    async def aclose(self) -> None:
        """Stop renewing; close the client if it is ours."""
        tasks = [task for task in (self._renewal, self._flight) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self._client_is_lent:
            await self._client.aclose()

    def _fresh_keys(self) -> KeySet | None:
        return self._keys if time.monotonic() - self._fetched_at <= self._pace.keep else None

    async def _fetch_once(self, pause: float) -> bool:
        """Join the fetch under way, or start one unless the last began less than `pause` ago."""
        if self._flight is None or self._flight.done():
            if time.monotonic() - self._tried_at < pause:
                return False
            self._tried_at = time.monotonic()
            self._flight = asyncio.create_task(self._fetch())
        # Shielded: a caller who goes away must not take the fetch from those who wait with him.
        await asyncio.shield(self._flight)
        return True

    def _keep_renewing(self) -> None:
        """A task and not the next caller: else a removed key would work once more after a quiet night."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while True:
            due = max(self._fetched_at + self._pace.refresh, self._tried_at + self._pace.cool_down)
            if (seconds := due - time.monotonic()) > 0:
                await asyncio.sleep(seconds)
            else:
                await self._fetch_once(0)

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self._pace.timeout):
                self._keys = read_keys(await self._download(), self._algorithms)
        except (httpx.HTTPError, httpx.StreamError, TimeoutError, Unfetched) as error:
            reason = str(error) if isinstance(error, Unfetched) else type(error).__name__
            log.warning("jwks_fetch_failed", reason=reason, old_keys_in_use=self._fresh_keys() is not None)
        else:
            self._fetched_at = time.monotonic()

    async def _download(self) -> bytes:
        # Raw bytes, unpacked by nobody: 256 KiB are then a limit on memory as well.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        document = bytearray()
        async with self._client.stream(
            "GET", self._url, headers=headers, follow_redirects=False, timeout=self._pace.timeout
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise Unfetched(f"it answered {response.status_code}")
            async for chunk in response.aiter_raw():
                document += chunk
                if len(document) > LARGEST_DOCUMENT:
                    raise Unfetched(f"it is larger than {LARGEST_DOCUMENT} bytes")
        return bytes(document)
