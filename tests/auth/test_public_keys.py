"""Public keys, as a PEM or as an entry of a key set: which are usable, and which mistakes are named."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import get_default_algorithms

from app.auth.jwks import Misconfigured, check_url, read_keys, read_pem
from tests.auth.key_server import ALGORITHMS, ED_KEY, RSA_KEY, SIGNERS, jwk


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
