"""Who is let in by a token, who is not, and that nobody refused learns why."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth.tokens import Claims, Misconfigured, TokenAuthority, TrustedKeys
from app.web.problems import Unauthorized
from tests.auth.token_corpus import Signer, corpus, raw_corpus, signed_with

SECRET = "a secret of the operator's, 48 characters and more"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def pem_of(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def trusted(**changes: Any) -> TrustedKeys:
    nothing: dict[str, Any] = {"secret": None, "public_key": None, "jwks_url": None, "algorithms": []}
    return TrustedKeys(**{"issuer": "tally", "audience": "tally", **nothing, **changes})


HS256 = (Signer("HS256", SECRET.encode()), TokenAuthority(trusted(secret=SECRET)))
RS256 = (Signer("RS256", RSA_KEY), TokenAuthority(trusted(public_key=pem_of(RSA_KEY))))
AUTHORITIES = {
    "HS256": HS256,
    "RS256": RS256,
    "RS256 beside a secret": (RS256[0], TokenAuthority(trusted(public_key=pem_of(RSA_KEY), secret=SECRET))),
    "ES256": (Signer("ES256", P256_KEY), TokenAuthority(trusted(public_key=pem_of(P256_KEY)))),
    "EdDSA": (Signer("EdDSA", ED_KEY), TokenAuthority(trusted(public_key=pem_of(ED_KEY)))),
}
HOSTILE = [
    # Without the clock: each process that runs tests must give a test the same name.
    pytest.param(authority, token, id=ascii(re.sub(r"\d{6,}", "now", f"{kind}: {name}")))
    for kind, (signer, authority) in AUTHORITIES.items()
    for name, token in corpus(signer) + raw_corpus(signer)
]


async def refusal(authority: TokenAuthority, token: Any) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        await authority.verify(token)
    return caught.value


async def is_accepted(authority: TokenAuthority, token: str) -> bool:
    try:
        await authority.verify(token)
    except Unauthorized:
        return False
    return True


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


@pytest.mark.parametrize("changes", [{"aud": ["other", "tally"]}, {"exp": time.time() + 60.5}, {"scope": {"a": [1.5]}}])
async def test_what_the_standard_allows_is_accepted(changes: dict[str, Any]) -> None:
    assert await is_accepted(HS256[1], HS256[0].token(**changes))


@pytest.mark.parametrize("kid", ["", "k" * 128, "../../etc/passwd", "' or 1=1", "\0\ud800"])
async def test_a_kid_is_an_opaque_name_to_a_fixed_key(kid: str) -> None:
    assert await is_accepted(RS256[1], RS256[0].headed(kid=kid))


# Time


SKEWS = [(29, True), (30, True), (30.001, False), (31, False)]
NOW = 1_800_000_000


def at(now: float) -> Any:
    return time_machine.travel(now, tick=False)


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


# Issued here


async def test_an_issued_token_says_who_and_by_which_key_until_it_ends() -> None:
    user, account, key = uuid4(), uuid4(), uuid4()
    authority = HS256[1]
    with at(NOW):
        token = authority.issue(user, account, key_id=key, seconds=60)
        assert await authority.verify(token) == Claims(user, account, key)
        assert authority.issue(user, account) != authority.issue(user, account)
    with at(NOW + 91):
        await refusal(authority, token)


async def test_an_issued_token_lives_as_configured_and_never_over_a_day() -> None:
    authority = TokenAuthority(trusted(secret=SECRET, token_seconds=120))
    with at(NOW):
        token = authority.issue(uuid4(), uuid4())
        with pytest.raises(ValueError, match="at most"):
            authority.issue(uuid4(), uuid4(), seconds=86_401)
    for later, accepted in ((150, True), (151, False)):
        with at(NOW + later):
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
