"""A provider of public keys on loopback: slow, down, lying or rotating, as a test wants it."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from app.auth.jwks import Jwks, Pace
from app.auth.tokens import TokenAuthority, TrustedKeys
from tests.auth.token_corpus import Signer

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


@contextlib.asynccontextmanager
async def key_server() -> AsyncIterator[KeyServer]:
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
