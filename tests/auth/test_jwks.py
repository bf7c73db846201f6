"""Public keys: read from a PEM or fetched from an endpoint that is slow, down, lying or rotating."""

import asyncio
import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import get_default_algorithms

from app.auth.jwks import Jwks, Misconfigured, Pace, check_url, read_keys, read_pem
from app.auth.tokens import TokenAuthority, TrustedKeys
from app.web.problems import Unauthorized, Unavailable
from tests.auth.token_corpus import Signer, corpus, raw_corpus

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
ALGORITHMS = ("RS256", "ES256", "EdDSA")
SIGNERS = [Signer("RS256", RSA_KEY, kid="r"), Signer("ES256", P256_KEY, kid="e"), Signer("EdDSA", ED_KEY, kid="d")]
# Slow enough to see two things happen, fast enough to wait for.
CALM = Pace(refresh=60, cool_down=60, retry=60)
QUICK = Pace(refresh=0.1, cool_down=0.05, retry=0.05, timeout=0.3)


def jwk(signer: Signer, **changes: Any) -> dict[str, Any]:
    public = signer.key.public_key()
    numbers = get_default_algorithms()[signer.algorithm].to_jwk(public, as_dict=True)
    return {**numbers, "kid": signer.kid, "use": "sig", "alg": signer.algorithm, **changes}


class KeyServer:
    """A JWKS endpoint on loopback whose manners are set by `mode`; counts who came."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk(signer) for signer in SIGNERS]
        self.mode = "ok"
        self.requests = 0
        self.url = ""
        self.released = asyncio.Event()
        self.answering: list[asyncio.Task[Any]] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.answering += [task for task in [asyncio.current_task()] if task]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            if self.mode == "slow":
                await self.released.wait()
            if self.mode != "down":
                writer.write(self.response())
            while self.mode == "trickle" and not writer.is_closing():
                writer.write(b" ")
                await asyncio.sleep(0.02)
            writer.close()
            await writer.wait_closed()

    def response(self) -> bytes:
        document = json.dumps({"keys": self.keys}).encode()
        head, body = {
            "ok": ("200 OK", document),
            "slow": ("200 OK", document),
            "trickle": ("200 OK", b""),
            "redirect": (f"302 Found\r\nLocation: {self.url}?again", document),
            "error": ("500 Oops", document),
            "huge": ("200 OK", document + b" " * 2**18),
            "packed": ("200 OK\r\nContent-Encoding: gzip", gzip.compress(document)),
        }.get(self.mode, ("200 OK", self.mode.encode()))
        return f"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n".encode() + body

    async def asked(self, times: int) -> None:
        """Wait until that many requests have come."""
        async with asyncio.timeout(3):
            while self.requests < times:
                await asyncio.sleep(0.01)


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    keys = KeyServer()
    async with await asyncio.start_server(keys.answer, "127.0.0.1", 0) as listener:
        keys.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/jwks.json"
        yield keys
        keys.mode = "ok"
        keys.released.set()
        await asyncio.gather(*keys.answering)


@contextlib.asynccontextmanager
async def fetching(server: KeyServer, pace: Pace = CALM) -> AsyncIterator[Jwks]:
    jwks = Jwks(server.url, ALGORITHMS, pace=pace)
    try:
        yield jwks
    finally:
        await jwks.aclose()


@contextlib.asynccontextmanager
async def trusting(server: KeyServer) -> AsyncIterator[TokenAuthority]:
    keys = TrustedKeys("tally", "tally", secret=None, public_key=None, jwks_url=server.url, algorithms=[])
    authority = TokenAuthority(keys)
    try:
        yield authority
    finally:
        await authority.aclose()


# Tokens by way of the endpoint


async def test_tokens_of_every_published_key_are_accepted_after_one_fetch(server: KeyServer) -> None:
    async with trusting(server) as authority:
        for signer in SIGNERS:
            assert (await authority.verify(signer.token())).user_id == signer.user_id
        assert server.requests == 1


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.algorithm)
async def test_every_hostile_token_is_refused_alike(server: KeyServer, signer: Signer) -> None:
    async with trusting(server) as authority:
        await authority.verify(signer.token())
        for name, token in corpus(signer, trap_url=f"{server.url}?trap") + raw_corpus(signer):
            with pytest.raises(Unauthorized):
                print(name, await authority.verify(token))  # noqa: T201  says which, should one get in
        assert server.requests == 1


async def test_malformed_tokens_cause_no_fetch_at_all(server: KeyServer) -> None:
    async with trusting(server) as authority:
        for token in ("", "a.b.c", SIGNERS[0].headed(alg="none"), SIGNERS[0].token(iss="other")):
            with pytest.raises(Unauthorized):
                await authority.verify(token)
    assert server.requests == 0


async def test_a_key_is_only_good_for_its_own_name_and_algorithm(server: KeyServer) -> None:
    server.keys = [jwk(SIGNERS[0]), jwk(Signer("RS256", rsa.generate_private_key(65537, 2048), kid="other"))]
    async with trusting(server) as authority:
        await authority.verify(SIGNERS[0].token())
        for header in ({"kid": "other"}, {"kid": "R"}, {"kid": ""}):
            with pytest.raises(Unauthorized):
                await authority.verify(SIGNERS[0].headed(**header))


async def test_a_token_without_kid_needs_exactly_one_fitting_key(server: KeyServer) -> None:
    nameless = Signer("RS256", RSA_KEY)
    async with trusting(server) as authority:
        await authority.verify(nameless.token())
    server.keys.append(jwk(Signer("RS256", rsa.generate_private_key(65537, 2048), kid="r2")))
    async with trusting(server) as authority:
        with pytest.raises(Unauthorized):
            await authority.verify(nameless.token())


async def test_without_any_key_an_outage_is_named_as_such(server: KeyServer) -> None:
    server.mode = "down"
    async with trusting(server) as authority:
        with pytest.raises(Unavailable, match="could not be fetched; try again") as caught:
            await authority.verify(SIGNERS[0].token())
        assert "Retry-After" in caught.value.headers
        with pytest.raises(Unauthorized):
            await authority.verify("nonsense")


async def test_a_provider_that_publishes_no_key_lets_nobody_in(server: KeyServer) -> None:
    server.keys = []
    async with trusting(server) as authority:
        with pytest.raises(Unauthorized):
            await authority.verify(SIGNERS[0].token())


# Fetching


async def test_the_first_callers_share_one_fetch(server: KeyServer) -> None:
    async with fetching(server) as jwks:
        found = await asyncio.gather(*(jwks.find("RS256", "r") for _ in range(200)))
    assert all(found)
    assert server.requests == 1


async def test_a_thousand_unknown_kids_cause_one_fetch_per_cool_down(server: KeyServer) -> None:
    async with fetching(server, Pace(cool_down=0.3)) as jwks:
        await jwks.find("RS256", "r")
        await asyncio.gather(*(jwks.find("RS256", f"early {n}") for n in range(1000)))
        assert server.requests == 1
        await asyncio.sleep(0.31)
        assert not any(await asyncio.gather(*(jwks.find("RS256", f"late {n}") for n in range(1000))))
        assert server.requests == 2


async def test_a_caller_who_goes_away_does_not_take_the_fetch_along(server: KeyServer) -> None:
    server.mode = "slow"
    async with fetching(server) as jwks:
        first, second = (asyncio.create_task(jwks.find("RS256", "r")) for _ in range(2))
        await server.asked(1)
        first.cancel()
        server.released.set()
        assert await second
        assert first.cancelled()
        assert server.requests == 1


async def test_a_new_key_is_honoured_after_the_cool_down_and_a_removed_one_is_refused(server: KeyServer) -> None:
    async with fetching(server, Pace(refresh=60, cool_down=0.05)) as jwks:
        assert await jwks.find("RS256", "r")
        server.keys = [jwk(SIGNERS[0], kid="r2")]
        await asyncio.sleep(0.06)
        assert await jwks.find("RS256", "r2")
        assert await jwks.find("RS256", "r") is None


async def test_a_removed_key_goes_by_itself_with_nobody_asking(server: KeyServer) -> None:
    async with fetching(server, QUICK) as jwks:
        assert await jwks.find("RS256", "r")
        server.keys = [jwk(SIGNERS[1])]
        await server.asked(3)
        before = server.requests
        assert await jwks.find("ES256", "e")
        assert jwks._keys is not None
        assert jwks._keys.find("RS256", "r") is None
        assert server.requests == before


FAILURES = ["down", "error", "redirect", "huge", "packed", "trickle", "<html>", "[]", '{"keys": 7}', "[" * 9999, "\0"]


@pytest.mark.parametrize("mode", FAILURES, ids=lambda mode: ascii(mode[:9]))
async def test_an_outage_keeps_the_old_keys_and_ends_by_itself(server: KeyServer, mode: str) -> None:
    async with fetching(server, QUICK) as jwks:
        await jwks.find("RS256", "r")
        server.mode = mode
        await server.asked(3)
        assert await jwks.find("RS256", "r")
        server.mode, server.keys = "ok", [jwk(SIGNERS[0], kid="after")]
        async with asyncio.timeout(3):
            while await jwks.find("RS256", "after") is None:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("mode", FAILURES, ids=lambda mode: ascii(mode[:9]))
async def test_a_first_fetch_that_fails_is_unavailable_then_tried_again(server: KeyServer, mode: str) -> None:
    server.mode = mode
    async with fetching(server, QUICK) as jwks:
        with pytest.raises(Unavailable):
            await jwks.find("RS256", "r")
        assert server.requests == 1
        server.mode = "ok"
        await asyncio.sleep(0.06)
        assert await jwks.find("RS256", "r")


async def test_without_keys_a_dead_endpoint_is_asked_once_a_pause(server: KeyServer) -> None:
    server.mode = "down"
    async with fetching(server) as jwks:
        for _ in range(50):
            with pytest.raises(Unavailable):
                await jwks.find("RS256", "r")
    assert server.requests == 1


async def test_old_keys_end_with_the_time_they_are_kept(server: KeyServer) -> None:
    async with fetching(server, Pace(refresh=60, cool_down=60, retry=0, keep=0.1)) as jwks:
        assert await jwks.find("RS256", "r")
        server.mode = "down"
        await asyncio.sleep(0.11)
        with pytest.raises(Unavailable):
            await jwks.find("RS256", "r")


async def test_a_slow_endpoint_delays_nobody_whose_key_is_known(server: KeyServer) -> None:
    async with fetching(server, Pace(refresh=0.05, cool_down=0.05)) as jwks:
        await jwks.find("RS256", "r")
        server.mode = "slow"
        await server.asked(2)
        stranger = asyncio.create_task(jwks.find("RS256", "unknown"))
        slowest = 0.0
        for _ in range(500):
            started = time.perf_counter()
            assert await jwks.find("RS256", "r")
            slowest = max(slowest, time.perf_counter() - started)
        assert slowest < 0.05
        assert not stranger.done()
        server.released.set()
        assert await stranger is None


async def test_after_closing_nothing_is_asked_and_a_client_lent_to_it_stays_open(server: KeyServer) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        jwks = Jwks(server.url, ALGORITHMS, client=client, pace=QUICK)
        await jwks.find("RS256", "r")
        await jwks.aclose()
        assert not client.is_closed
        await asyncio.sleep(0.15)
    assert server.requests == 1


# Reading


def unusable() -> Iterator[Any]:
    """Entries that are no public signature key of ours."""
    right = jwk(SIGNERS[0])
    yield from (None, 7, "key", [], {}, {"kty": "oct", "k": "A" * 64, "kid": "r", "alg": "HS256"})
    yield {**get_default_algorithms()["EdDSA"].to_jwk(ED_KEY, as_dict=True), "kid": "d"}  # with its private half
    for changes in (
        {"use": "enc"}, {"use": 7}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"alg": "RS512"}, {"alg": 7},
        {"alg": "HS256"}, {"kty": "EC"}, {"kty": ["RSA"]}, {"kid": 7}, {"kid": None}, {"n": 7}, {"n": ""},
        {"n": "AQAB"}, {"e": "AA"}, {"e": None}, {"n": "é"}, {"d": "AQAB"}, {"n": right["n"][:100]},
    ):  # fmt: skip
        yield {**right, **changes}
    yield {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "r"}
    yield {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43, "kid": "r"}
    yield {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "r"}
    yield {"kty": "OKP", "crv": "X25519", "x": "A" * 43, "kid": "r"}


@pytest.mark.parametrize("entry", list(unusable()), ids=lambda entry: ascii(entry)[:4])
def test_an_unusable_key_is_skipped_and_the_others_count(entry: Any) -> None:
    good = jwk(SIGNERS[1])
    keys = read_keys(json.dumps({"keys": [entry, good]}).encode(), ("HS256", *ALGORITHMS))
    assert keys.find("ES256", "e")
    assert [name for name in ("RS256", "EdDSA", "HS256") if keys.by_algorithm.get(name)] == []


def test_a_key_without_algorithm_serves_those_it_fits() -> None:
    entry = jwk(SIGNERS[1])
    del entry["alg"]
    keys = read_keys(json.dumps({"keys": [entry]}).encode(), ("RS256", "ES256", "ES384", "EdDSA"))
    assert set(keys.by_algorithm) == {"ES256"}


def test_a_public_key_may_be_text_or_a_path_or_have_escaped_line_ends(tmp_path: Path) -> None:
    pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    file = tmp_path / "key.pem"
    file.write_text(pem)
    for given in (pem, str(file), pem.replace("\n", "\\n")):
        assert read_pem(given) == RSA_KEY.public_key()


PRIVATE = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
NOT_PUBLIC_KEYS = {
    PRIVATE: "holds a private key",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----": "cannot be read",
    "-----BEGIN CERTIFICATE-----\n": "holds a certificate",
    "/nowhere/key.pem": "nor a readable PEM file",
    "": "nor a readable PEM file",
    "a\0b": "nor a readable PEM file",
}


@pytest.mark.parametrize("text", NOT_PUBLIC_KEYS, ids=NOT_PUBLIC_KEYS.get)
def test_what_is_no_public_key_is_named_in_one_sentence(text: str) -> None:
    with pytest.raises(Misconfigured, match=NOT_PUBLIC_KEYS[text]):
        read_pem(text)


BAD_URLS = [
    "http://id.example.com/k",
    "http://10.0.0.1/k",
    "http://[::2]/k",
    "file:///k",
    "k.json",
    "",
    "https://",
    "https://[::1",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_keys_are_fetched_over_https_or_from_this_machine(url: str) -> None:
    with pytest.raises(Misconfigured, match="TALLY_JWKS_URL"):
        check_url(url)
    for good in ("https://id.example.com/k", "https://10.0.0.1/k", "http://localhost:1/k", "http://[::1]/k"):
        check_url(good)
