"""Tokens: who the bearer is, proved by a signature, and the tokens we sign ourselves.

The algorithm and the key come from the configuration. A token's header only picks among what is configured
for its issuer, and each issuer has one family of algorithms: a public key can never be taken for a secret.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import jwt

from app.auth.compact import take_apart
from app.auth.jwks import ALGORITHMS, Jwks, KeySource, Misconfigured, fits, read_pem
from app.web.problems import Unauthorized

__all__ = ["Claims", "Misconfigured", "TokenAuthority", "TrustedKeys"]

LEEWAY_SECONDS = 30
LONGEST_LIFE_SECONDS = 24 * 3600
LONGEST_TOKEN = 8 * 1024
LONGEST_KID = 128
MOST_REMEMBERED = 10_000
TIMES = ("exp", "nbf", "iat")
SHORTEST_SECRET = 32
LAST_SECOND = 253_402_300_799  # of the year 9999; NaN, Infinity, 1e308 and 10^26 all fail `<=` against it
SYMMETRIC = frozenset({"HS256", "HS384", "HS512"})
ASYMMETRIC = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
# Without TALLY_JWT_ALGORITHMS. EdDSA is there for a PEM key: of one key, only what it can verify is taken.
BY_DEFAULT = ("RS256", "ES256", "EdDSA")
# Plain libraries write JWT, so at+jwt (RFC 9068) cannot be demanded; what an ID token carries can be refused.
TOKEN_TYPES = frozenset({"jwt", "at+jwt"})
ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash"})


@dataclass(frozen=True)
class Claims:
    """Who is calling. `key_id` is the API key the token was exchanged for, if it was."""

    user_id: UUID
    account_id: UUID
    key_id: UUID | None

    @cached_property
    def named(self) -> Mapping[str, str]:
        """For the log and the audit."""
        return {"account_id": str(self.account_id), "user_id": str(self.user_id)}


@dataclass(frozen=True)
class TrustedKeys:
    """What the operator configured. `public_key` is PEM text or the path of a PEM file."""

    issuer: str
    audience: str
    secret: str | None = field(repr=False)
    public_key: str | None
    jwks_url: str | None
    algorithms: Sequence[str]
    token_seconds: int = 3600


class _Issuer(NamedTuple):
    algorithms: frozenset[str]
    keys: KeySource
    is_ours: bool


class _Proof(NamedTuple):
    """What is remembered of a token whose signature was right: by which key, and what it says."""

    issuer: _Issuer
    algorithm: str
    kid: str | None
    key: Any
    times: dict[str, Any]
    claims: Claims


class _FixedKey:
    """The one key of an issuer; a kid adds nothing."""

    def __init__(self, key: Any) -> None:
        self._key = key

    async def find(self, algorithm: str, kid: str | None) -> Any | None:  # noqa: ARG002
        return self._key


class TokenAuthority:
    """Verifies bearer tokens, and signs those that API keys are exchanged for."""

    def __init__(self, keys: TrustedKeys, *, jwks_client: httpx.AsyncClient | None = None) -> None:
        _check(keys)
        self._keys = keys
        self._issuers: dict[str, _Issuer] = {}
        self._proofs: dict[bytes, _Proof] = {}
        self._jwks: Jwks | None = None
        if keys.jwks_url is not None:
            names = frozenset(keys.algorithms or BY_DEFAULT)
            self._jwks = Jwks(keys.jwks_url, names, client=jwks_client)
            self._issuers[keys.issuer] = _Issuer(names, self._jwks, is_ours=False)
        elif keys.public_key is not None:
            self._issuers[keys.issuer] = _issuer_of_pem(keys.public_key, keys.algorithms)
        # Beside an identity provider our own tokens need a name of their own: the family of algorithms
        # hangs on the issuer, and the provider must never be able to sign with a secret.
        self._own_name = f"{keys.issuer}/api-keys" if self._issuers else keys.issuer
        if keys.secret is not None:
            names = frozenset(("HS256",) if self._issuers else keys.algorithms or ("HS256",))
            self._own_algorithm = min(names)
            self._issuers[self._own_name] = _Issuer(names, _FixedKey(keys.secret.encode()), is_ours=True)

    @property
    def can_issue(self) -> bool:
        return self._keys.secret is not None

    async def verify(self, token: str) -> Claims:
        """Who the bearer is, or Unauthorized, the same for every fault (Unavailable: see Jwks.find).

        A token is proved once; then its times are looked at, and whether its key is still the one.
        """
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN or not token.isascii():
            raise Unauthorized
        name = sha256(token.encode()).digest()
        proof = self._proofs.get(name)
        if proof is None or await proof.issuer.keys.find(proof.algorithm, proof.kid) is not proof.key:
            self._proofs.pop(name, None)
            proof = await self._prove(token)
            self._remember(name, proof)
        _check_times(proof.times, time.time())
        return proof.claims

    async def _prove(self, token: str) -> _Proof:
        parts = take_apart(token)
        name = parts.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        algorithm = parts.header.get("alg")
        if issuer is None or not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
            raise Unauthorized
        _check_header(parts.header)
        kid = parts.header.get("kid")
        key = await issuer.keys.find(algorithm, kid)
        if key is None or not ALGORITHMS[algorithm].verify(parts.signed, key, parts.signature):
            raise Unauthorized
        claims = self._read_claims(parts.claims, is_ours=issuer.is_ours)
        times = {name: parts.claims[name] for name in TIMES if name in parts.claims}
        return _Proof(issuer, algorithm, kid, key, times, claims)

    def _remember(self, name: bytes, proof: _Proof) -> None:
        if len(self._proofs) >= MOST_REMEMBERED:
            del self._proofs[next(iter(self._proofs))]
        self._proofs[name] = proof

    def issue(self, user_id: UUID, account_id: UUID, *, key_id: UUID | None = None, seconds: int | None = None) -> str:
        """A token that `verify` accepts for that long."""
        if self._keys.secret is None:
            raise Misconfigured("Set TALLY_JWT_SECRET: without it no token can be issued.")
        life = self._keys.token_seconds if seconds is None else seconds
        if life > LONGEST_LIFE_SECONDS:
            raise ValueError(f"a token lives at most {LONGEST_LIFE_SECONDS} seconds")
        now = int(time.time())
        claims = {
            "iss": self._own_name,
            "aud": self._keys.audience,
            "sub": str(user_id),
            "account_id": str(account_id),
            "iat": now,
            "exp": now + life,
            "jti": str(uuid4()),
        }
        if key_id is not None:
            claims["key_id"] = str(key_id)
        headers = {"typ": "at+jwt"}
        return jwt.encode(claims, self._keys.secret, algorithm=self._own_algorithm, headers=headers)

    async def aclose(self) -> None:
        if self._jwks is not None:
            await self._jwks.aclose()

    def _read_claims(self, claims: dict[str, Any], *, is_ours: bool) -> Claims:
        _check_audience(claims.get("aud"), self._keys.audience)
        _check_times(claims, time.time())
        if not ID_TOKEN_CLAIMS.isdisjoint(claims):
            raise Unauthorized
        # An identity provider may use the name key_id for something else; only ours is an API key.
        key_id = claims.get("key_id") if is_ours else None
        return Claims(
            user_id=_uuid(claims.get("sub")),
            account_id=_uuid(claims.get("account_id")),
            key_id=None if key_id is None else _uuid(key_id),
        )


def _check(keys: TrustedKeys) -> None:
    for is_wrong, sentence in _faults(keys):
        if is_wrong:
            raise Misconfigured(sentence)


def _faults(keys: TrustedKeys) -> Iterator[tuple[bool, str]]:
    """Each rule a configuration can break. The later ones rely on the earlier ones."""
    public = [key for key in (keys.public_key, keys.jwks_url) if key is not None]
    names = frozenset(keys.algorithms)
    secret = keys.secret
    yield not keys.issuer or not keys.audience, "TALLY_JWT_ISSUER and TALLY_JWT_AUDIENCE must not be empty."
    none_set = not public and secret is None
    yield none_set, "Set TALLY_JWT_SECRET, TALLY_JWT_PUBLIC_KEY or TALLY_JWKS_URL: no token can be checked."
    yield len(public) > 1, "Set TALLY_JWT_PUBLIC_KEY or TALLY_JWKS_URL, not both."
    for name in sorted(names - SYMMETRIC - ASYMMETRIC):
        yield True, f"TALLY_JWT_ALGORITHMS names {name}, which Tally does not take."
    for name in sorted(names & SYMMETRIC if public else ()):
        yield True, f"TALLY_JWT_ALGORITHMS names {name}, which wants a secret; the key set is public."
    for name in sorted(names & ASYMMETRIC if not public else ()):
        yield True, f"TALLY_JWT_ALGORITHMS names {name}, which wants a public key; none is set."
    if secret is not None:
        length = len(secret)
        yield (
            length < SHORTEST_SECRET,
            f"TALLY_JWT_SECRET needs {SHORTEST_SECRET} characters; it has {length}.",
        )
        for name in sorted(names & SYMMETRIC) or ["HS256"]:
            yield not fits(name, secret), f"TALLY_JWT_SECRET is too short for {name}, or is a key file."
    yield keys.token_seconds > LONGEST_LIFE_SECONDS, f"TALLY_TOKEN_SECONDS is at most {LONGEST_LIFE_SECONDS}."


def _issuer_of_pem(pem: str, algorithms: Sequence[str]) -> _Issuer:
    """The key decides which algorithms are possible; of these, the configured ones are accepted."""
    key = read_pem(pem)
    names = frozenset(name for name in algorithms or BY_DEFAULT if fits(name, key))
    if not names:
        wanted = ", ".join(algorithms or BY_DEFAULT)
        raise Misconfigured(f"TALLY_JWT_PUBLIC_KEY does not fit {wanted}: see TALLY_JWT_ALGORITHMS.")
    return _Issuer(names, _FixedKey(key), is_ours=False)


def _check_header(header: dict[str, Any]) -> None:
    """What the header may say. Keys it brings or points at (jwk, jku, x5c, x5u) are not even read."""
    kind, kid = header.get("typ", "JWT"), header.get("kid", "")
    if not isinstance(kind, str) or kind.lower() not in TOKEN_TYPES:
        raise Unauthorized
    if not isinstance(kid, str) or len(kid) > LONGEST_KID:
        raise Unauthorized
    if "crit" in header or "b64" in header:
        raise Unauthorized


def _check_audience(value: object, audience: str) -> None:
    names = value if isinstance(value, list) else [value]
    if audience not in names or not all(isinstance(name, str) for name in names):
        raise Unauthorized


def _check_times(claims: dict[str, Any], now: float) -> None:
    """A clock may be off by exactly the leeway: 30 s is accepted, anything beyond is refused."""
    expires = _second(claims.get("exp"))
    if now - expires > LEEWAY_SECONDS or expires - now > LONGEST_LIFE_SECONDS + LEEWAY_SECONDS:
        raise Unauthorized
    if "nbf" in claims and _second(claims["nbf"]) - now > LEEWAY_SECONDS:
        raise Unauthorized
    if "iat" in claims:
        issued = _second(claims["iat"])
        if issued - now > LEEWAY_SECONDS or expires - issued > LONGEST_LIFE_SECONDS:
            raise Unauthorized


def _second(value: object) -> float:
    # type() and not isinstance(): True is an int.
    if type(value) not in (int, float) or not 0 <= value <= LAST_SECOND:  # type: ignore[operator]
        raise Unauthorized
    return value  # type: ignore[return-value]


def _uuid(value: object) -> UUID:
    """Only the canonical spelling: what comes back from the database must compare equal to it."""
    try:
        uuid = UUID(value) if isinstance(value, str) else None
    except ValueError:
        raise Unauthorized from None
    if uuid is None or str(uuid) != value:
        raise Unauthorized
    return uuid
