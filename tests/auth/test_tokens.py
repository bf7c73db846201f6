"""A1, A2, A3, A5, A6: who is let in by a token, who is not, and that nobody refused learns why."""

import asyncio
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth.tokens import Claims, TokenAuthority
from app.web.problems import Unauthorized
from tests.auth.token_corpus import Signer, corpus, raw_corpus
from tests.auth.trust import AUTHORITIES, ED_KEY, HS256, RS256, RSA_KEY, SECRET, is_accepted, pem_of, refusal, trusted

HOSTILE = [
    # Without the clock: each process that runs tests must give a test the same name.
    pytest.param(authority, token, id=ascii(re.sub(r"\d{6,}", "now", f"{kind}: {name}")))
    for kind, (signer, authority) in AUTHORITIES.items()
    for name, token in corpus(signer) + raw_corpus(signer)
]


# The first run on a machine builds hypothesis' table of characters, which takes over a second.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


# Refused


@pytest.mark.parametrize(("authority", "token"), HOSTILE)
async def test_every_hostile_token_gets_the_one_same_answer(authority: TokenAuthority, token: str) -> None:
    error = await refusal(authority, token)
    assert (type(error), vars(error)) == (Unauthorized, vars(Unauthorized()))
    assert error.__cause__ is None


@pytest.mark.parametrize("kind", AUTHORITIES)
async def test_the_token_the_corpus_is_made_from_is_accepted(kind: str) -> None:
    signer, authority = AUTHORITIES[kind]
    assert await authority.verify(signer.token()) == Claims(signer.user_id, signer.account_id, None)


def test_names_in_the_corpus_are_unique_and_its_tokens_fit_into_a_header() -> None:
    for signer, _ in AUTHORITIES.values():
        names, tokens = zip(*corpus(signer), strict=True)
        assert len(set(names)) == len(names) > 200
        assert all(token.isascii() and token.isprintable() and len(token) < 16_000 for token in tokens)


@pytest.mark.parametrize("token", [b"a.b.c", None, 7, ["a.b.c"]])
async def test_what_is_not_text_is_refused(token: object) -> None:
    await refusal(HS256[1], token)


@unhurried
@given(st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1"))))
async def test_random_text_is_refused(token: str) -> None:
    await refusal(HS256[1], token)
    await refusal(HS256[1], f"{token}.{token}.{token}")


VALID = {kind: signer.token() for kind, (signer, _) in AUTHORITIES.items()}


@unhurried
@given(st.sampled_from(sorted(AUTHORITIES)), st.integers(0, 400), st.integers(0, 3), st.text(max_size=3))
async def test_a_changed_token_is_refused(kind: str, at: int, cut: int, put: str) -> None:
    token = VALID[kind]
    changed = token[:at] + put + token[at + cut :]
    if changed != token:
        await refusal(AUTHORITIES[kind][1], changed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["alg", "typ", "kid", "iss", "aud", "exp", "nbf", "iat", "sub", "account_id", "key_id", "jti"])


@unhurried
@given(st.dictionaries(NAMES, JSON, max_size=3), st.dictionaries(NAMES, JSON, max_size=3))
async def test_whatever_is_signed_is_accepted_or_refused_and_nothing_else(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    signer, authority = HS256
    await is_accepted(authority, signer.sign(signer.header(**header), signer.claims(**claims)))


async def test_keys_that_a_token_brings_or_points_at_are_never_fetched() -> None:
    asked: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as trap:
        url = f"http://127.0.0.1:{trap.sockets[0].getsockname()[1]}/jwks.json"
        for signer, authority in AUTHORITIES.values():
            for name, token in corpus(signer, trap_url=url):
                if name.startswith(("jku", "x5u", "jwk", "x5c")):
                    await refusal(authority, token)
            assert await is_accepted(authority, signer.headed(jku=url, x5u=url, jwk={"kty": "oct"}, x5c=["x"]))
        await asyncio.sleep(0.05)
    assert asked == []


# Accepted


NOW = 1_800_000_000


def at(now: float) -> Any:
    return time_machine.travel(now, tick=False)


CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *CURVES, "EdDSA"])
async def test_each_asymmetric_algorithm_verifies_what_its_key_signed(algorithm: str) -> None:
    curve = CURVES.get(algorithm)
    key = ec.generate_private_key(curve) if curve else ED_KEY if algorithm == "EdDSA" else RSA_KEY
    authority = TokenAuthority(trusted(public_key=pem_of(key), algorithms=[algorithm]))
    assert await is_accepted(authority, Signer(algorithm, key).token())
    other = "PS256" if algorithm == "RS256" else "RS256"
    assert not await is_accepted(authority, Signer(other, RSA_KEY).token())


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_each_symmetric_algorithm_verifies_and_signs(algorithm: str) -> None:
    secret = SECRET + SECRET
    authority = TokenAuthority(trusted(secret=secret, algorithms=[algorithm]))
    assert await is_accepted(authority, Signer(algorithm, secret.encode()).token())
    assert await is_accepted(authority, authority.issue(uuid4(), uuid4()))
    other = "HS256" if algorithm == "HS512" else "HS512"
    assert not await is_accepted(authority, Signer(other, secret.encode()).token())


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "AT+JWT"])
async def test_access_tokens_of_either_type_are_accepted(kind: str) -> None:
    assert await is_accepted(HS256[1], HS256[0].headed(typ=kind))


async def test_a_token_without_type_kid_iat_and_nbf_is_accepted() -> None:
    signer, authority = HS256
    claims = signer.claims()
    del claims["iat"]
    assert await is_accepted(authority, signer.sign({"alg": "HS256"}, claims))


@pytest.mark.parametrize("changes", [{"aud": ["other", "tally"]}, {"exp": NOW + 60.5}, {"scope": {"a": [1.5]}}])
async def test_what_the_standard_allows_is_accepted(changes: dict[str, Any]) -> None:
    with at(NOW):
        assert await is_accepted(HS256[1], HS256[0].token(**changes))


@pytest.mark.parametrize("kid", ["", "k" * 128, "../../etc/passwd", "' or 1=1", "\0\ud800"])
async def test_a_kid_is_an_opaque_name_to_a_fixed_key(kid: str) -> None:
    assert await is_accepted(RS256[1], RS256[0].headed(kid=kid))


# Time


SKEWS = [(29, True), (30, True), (30.001, False), (31, False)]


@pytest.mark.parametrize(("skew", "accepted"), SKEWS)
@pytest.mark.parametrize(
    "claims",
    [
        lambda skew: {"exp": NOW - skew, "iat": NOW - 600},
        lambda skew: {"nbf": NOW + skew, "iat": NOW, "exp": NOW + 600},
        lambda skew: {"iat": NOW + skew, "exp": NOW + 600},
    ],
    ids=["exp", "nbf", "iat"],
)
async def test_a_clock_may_be_off_by_thirty_seconds_and_no_more(
    claims: Callable[[float], dict[str, float]], skew: float, *, accepted: bool
) -> None:
    with at(NOW):
        assert await is_accepted(HS256[1], HS256[0].token(**claims(skew))) is accepted


@pytest.mark.parametrize(("life", "accepted"), [(86_400, True), (86_401, False)])
async def test_a_token_lives_a_day_at_most(life: int, *, accepted: bool) -> None:
    with at(NOW):
        token = HS256[0].token(iat=NOW - 100, exp=NOW - 100 + life)
        assert await is_accepted(HS256[1], token) is accepted


@pytest.mark.parametrize(("skew", "accepted"), SKEWS)
async def test_a_token_without_iat_may_end_within_a_day_and_the_leeway(skew: float, *, accepted: bool) -> None:
    with at(NOW):
        claims = HS256[0].claims(exp=NOW + 86_400 + skew)
        del claims["iat"]
        assert await is_accepted(HS256[1], HS256[0].sign(HS256[0].header(), claims)) is accepted
