"""A8: a token is proved once, and believed no longer than its key and its times allow."""

from typing import Any
from uuid import uuid4

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec

from app.auth import tokens
from app.auth.jwks import ALGORITHMS
from app.auth.tokens import TokenAuthority
from tests.auth.key_server import QUICK, SIGNERS, KeyServer, jwk, trusting
from tests.auth.token_corpus import Signer
from tests.auth.trust import HS256, SECRET, is_accepted, trusted

NOW = 1_800_000_000


@pytest.fixture
def authority() -> TokenAuthority:
    return TokenAuthority(trusted(secret=SECRET))


async def test_a_signature_is_checked_once(authority: TokenAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[Any] = []
    verify = ALGORITHMS["HS256"].verify

    def counted(*given: Any) -> bool:
        checked.append(given)
        return bool(verify(*given))

    monkeypatch.setattr(ALGORITHMS["HS256"], "verify", counted)
    token = HS256[0].token()
    assert len({await authority.verify(token) for _ in range(3)}) == 1
    assert len(checked) == 1


async def test_a_token_that_was_refused_is_refused_again(authority: TokenAuthority) -> None:
    token = Signer("HS256", b"another secret, of another operator, 48 characters").token()
    for _ in range(2):
        assert not await is_accepted(authority, token)


async def test_a_remembered_token_ends_in_time(authority: TokenAuthority) -> None:
    token = HS256[0].token(iat=NOW, nbf=NOW, exp=NOW + 60)
    for now, accepted in ((0, True), (90, True), (91, False), (30, True), (-31, False)):
        with time_machine.travel(NOW + now, tick=False):
            assert await is_accepted(authority, token) is accepted


async def test_tokens_of_a_key_that_was_removed_or_replaced_go_with_it(server: KeyServer) -> None:
    by_rsa, by_curve = SIGNERS[0].token(), SIGNERS[1].token()
    async with trusting(server) as authority:
        assert authority._jwks is not None
        authority._jwks._pace = QUICK
        assert await is_accepted(authority, by_rsa)
        assert await is_accepted(authority, by_curve)
        other = Signer("ES256", ec.generate_private_key(ec.SECP256R1()), kid="e")
        server.keys = [jwk(other)]
        await server.asked(server.requests + 2)
        assert not await is_accepted(authority, by_rsa)
        assert not await is_accepted(authority, by_curve)
        assert await is_accepted(authority, other.token())


async def test_so_many_are_remembered_and_none_as_it_was_sent(
    authority: TokenAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST_REMEMBERED", 3)
    sent = [authority.issue(uuid4(), uuid4()) for _ in range(5)]
    for token in sent * 2:
        assert await is_accepted(authority, token)
    assert [len(name) for name in authority._proofs] == [32, 32, 32]
