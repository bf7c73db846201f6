"""The keys an operator configures: what is signed with them here, and which mistakes are named."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa

from app.auth.tokens import Claims, Misconfigured, TokenAuthority
from tests.auth.token_corpus import Signer, signed_with
from tests.auth.trust import AUTHORITIES, HS256, P256_KEY, RS256, RSA_KEY, SECRET, is_accepted, pem_of, refusal, trusted

NOW = 1_800_000_000

# Issued here


async def test_an_issued_token_says_who_and_by_which_key_until_it_ends() -> None:
    user, account, key = uuid4(), uuid4(), uuid4()
    authority = HS256[1]
    with time_machine.travel(NOW, tick=False):
        token = authority.issue(user, account, key_id=key, seconds=60)
        assert await authority.verify(token) == Claims(user, account, key)
        assert authority.issue(user, account) != authority.issue(user, account)
    with time_machine.travel(NOW + 91, tick=False):
        await refusal(authority, token)


async def test_an_issued_token_lives_as_configured_and_never_over_a_day() -> None:
    authority = TokenAuthority(trusted(secret=SECRET, token_seconds=120))
    with time_machine.travel(NOW, tick=False):
        token = authority.issue(uuid4(), uuid4())
        with pytest.raises(ValueError, match="at most"):
            authority.issue(uuid4(), uuid4(), seconds=86_401)
    for later, accepted in ((150, True), (151, False)):
        with time_machine.travel(NOW + later, tick=False):
            assert await is_accepted(authority, token) is accepted


async def test_beside_a_provider_our_own_tokens_have_their_own_issuer_and_family() -> None:
    signer, authority = AUTHORITIES["RS256 beside a secret"]
    key = uuid4()
    assert (await authority.verify(authority.issue(uuid4(), uuid4(), key_id=key))).key_id == key
    ours = Signer("HS256", SECRET.encode(), issuer="tally/api-keys")
    assert await is_accepted(authority, ours.token())
    # Each name with the other's key, and each key with the other's name.
    assert not await is_accepted(authority, Signer("HS256", SECRET.encode()).token())
    assert not await is_accepted(authority, Signer("RS256", RSA_KEY, issuer="tally/api-keys").token())
    crossed = signed_with("HS256", SECRET.encode(), signer.header(alg="RS256"), ours.claims())
    assert not await is_accepted(authority, crossed)
    pem = pem_of(RSA_KEY).encode()
    assert not await is_accepted(authority, Signer("HS256", pem, issuer="tally/api-keys").token())


async def test_a_providers_key_id_is_not_taken_for_an_api_key() -> None:
    claims = await RS256[1].verify(RS256[0].token(key_id=str(UUID(int=7))))
    assert claims.key_id is None
    assert await is_accepted(RS256[1], RS256[0].token(key_id="theirs"))


def test_without_a_secret_nothing_is_issued() -> None:
    assert not RS256[1].can_issue
    assert HS256[1].can_issue
    with pytest.raises(Misconfigured, match="TALLY_JWT_SECRET"):
        RS256[1].issue(uuid4(), uuid4())


# Configuration


SMALL_RSA = pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024))
JWKS_URL = "https://login.example.com/jwks.json"
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no key": ({}, "no token can be checked"),
    "two public keys": ({"public_key": pem_of(RSA_KEY), "jwks_url": JWKS_URL}, "not both"),
    "short secret": ({"secret": "s" * 31}, "needs 32 characters; it has 31"),
    "empty secret": ({"secret": ""}, "it has 0"),
    "secret too short for HS512": ({"secret": SECRET, "algorithms": ["HS512"]}, "too short for HS512"),
    "secret that is a key": ({"secret": pem_of(RSA_KEY)}, "is a key"),
    "secret that cannot be encoded": ({"secret": "\ud800" * 40}, "TALLY_JWT_SECRET"),
    "HS256 with a PEM": ({"public_key": pem_of(RSA_KEY), "algorithms": ["HS256"]}, "HS256"),
    "HS256 with a JWKS": ({"jwks_url": JWKS_URL, "algorithms": ["HS256"]}, "HS256"),
    "both families": ({"jwks_url": JWKS_URL, "secret": SECRET, "algorithms": ["RS256", "HS256"]}, "HS256"),
    "RS256 with a secret": ({"secret": SECRET, "algorithms": ["RS256"]}, "RS256"),
    "ES256 with an RSA key": ({"public_key": pem_of(RSA_KEY), "algorithms": ["ES256"]}, "does not fit ES256"),
    "ES384 with P-256": ({"public_key": pem_of(P256_KEY), "algorithms": ["ES384"]}, "does not fit ES384"),
    "small RSA key": ({"public_key": SMALL_RSA}, "does not fit"),
    "none": ({"secret": SECRET, "algorithms": ["none"]}, "none"),
    "no issuer": ({"secret": SECRET, "issuer": ""}, "must not be empty"),
    "no audience": ({"secret": SECRET, "audience": ""}, "must not be empty"),
    "long life": ({"secret": SECRET, "token_seconds": 86_401}, "86400"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_in_one_sentence_that_tells_no_secret(name: str) -> None:
    changes, sentence = MISTAKES[name]
    with pytest.raises(Misconfigured) as caught:
        TokenAuthority(trusted(**changes))
    said = str(caught.value)
    assert sentence in said
    assert said.endswith(".")
    assert "\n" not in said
    assert not changes.get("secret") or changes["secret"] not in said


def test_the_secret_is_not_in_the_text_of_the_configuration() -> None:
    assert SECRET not in repr(trusted(secret=SECRET))
