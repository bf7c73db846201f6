"""Tokens that must all be refused alike: forged, malformed, mistimed, or valid for something else.

Each is right in everything but its one fault, so a check left out lets exactly its cases through.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm, get_default_algorithms

ALGORITHMS = get_default_algorithms()
HOUR = 3600
DAY = 24 * HOUR
SOMEBODY = UUID("0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001")
SOME_ACCOUNT = UUID("0199aaaa-bbbb-7ccc-8ddd-eeeeffff0002")
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Signer:
    """Whoever makes valid tokens for the authority under attack, and for whom they are."""

    algorithm: str
    key: Any  # the secret as bytes, or the private key
    issuer: str = "tally"
    audience: str = "tally"
    kid: str | None = None
    user_id: UUID = SOMEBODY
    account_id: UUID = SOME_ACCOUNT
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_symmetric(self) -> bool:
        return self.algorithm.startswith("HS")

    def header(self, **changes: Any) -> dict[str, Any]:
        kid = {} if self.kid is None else {"kid": self.kid}
        return {"alg": self.algorithm, "typ": "JWT", **kid, **changes}

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": str(self.user_id),
            "account_id": str(self.account_id),
            "iat": now,
            "exp": now + HOUR,
            **self.extra,
            **changes,
        }

    def sign(self, header: bytes | dict[str, Any], claims: bytes | dict[str, Any]) -> str:
        """A token of exactly these bytes, rightly signed."""
        return signed_with(self.algorithm, self.key, header, claims)

    def token(self, **claims: Any) -> str:
        """A token like those that are accepted, with these claims changed."""
        return self.sign(self.header(), self.claims(**claims))

    def headed(self, **header: Any) -> str:
        """A token like those that are accepted, with these header members changed."""
        return self.sign(self.header(**header), self.claims())


def signed_with(algorithm: str, key: Any, header: bytes | dict[str, Any], claims: bytes | dict[str, Any]) -> str:
    signed = f"{segment(header)}.{segment(claims)}"
    signer = ALGORITHMS[algorithm]
    return f"{signed}.{segment(signer.sign(signed.encode(), key))}"


def segment(content: bytes | dict[str, Any]) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def corpus(signer: Signer, *, trap_url: str = "https://keys.invalid/jwks.json") -> list[tuple[str, str]]:
    """Every hostile token an HTTP header can carry, named. `trap_url` is where some say their key is."""
    groups = (
        _shapes(signer), _signatures(signer), _algorithms(signer), _headers(signer), _brought_keys(trap_url, signer),
        _members(signer), _times(signer), _subjects(signer), _documents(signer),
    )  # fmt: skip
    return [case for group in groups for case in group]


def raw_corpus(signer: Signer) -> list[tuple[str, str]]:
    """What only reaches us past HTTP: line ends, surrogates, and sizes no server's header limit lets through."""
    valid = signer.token()
    deep = b"[" * 100_000 + b"]" * 100_000
    return [
        *((f"raw {mark!r} appended", valid + mark) for mark in ("\n", " ", "\t", "\0", "é", "\ud800", "٣")),
        *((f"raw {mark!r} in front", mark + valid) for mark in ("\n", " ", "\ufeff")),
        ("raw line ends inside", "\r\n".join(valid[at : at + 64] for at in range(0, len(valid), 64))),
        ("raw line end after a dot", valid.replace(".", ".\n")),
        ("raw kid of 100 kB", signer.headed(kid="k" * 100_000)),
        ("raw payload 100,000 deep", signer.sign(signer.header(), deep)),
        ("raw header 100,000 deep", signer.sign(deep, signer.claims())),
        ("raw 1 MB of dots", "." * 2**20),
    ]


def _shapes(signer: Signer) -> Iterator[tuple[str, str]]:
    header, claims, signature = signer.token().split(".")
    for text in ("", ".", "..", "...", "a", "a.b.c", "null", "Bearer", "tly_key", "=.=.=", "-._.-"):
        yield f"text {text!r}", text
    yield "two parts", f"{header}.{claims}"
    yield "four parts", f"{header}.{claims}.{signature}.{signature}"
    yield "a leading dot", f".{header}.{claims}.{signature}"
    yield "JWE in five parts", f"{segment({'alg': 'dir', 'enc': 'A256GCM'})}..{claims}.{claims}.{signature}"
    yield "no header", f".{claims}.{signature}"
    yield "no claims", f"{header}..{signature}"
    yield "longer than 8 KiB", signer.token(padding="x" * 6200)
    yield "JSON serialisation", json.dumps({"protected": header, "payload": claims, "signature": signature})


def _signatures(signer: Signer) -> Iterator[tuple[str, str]]:
    valid = signer.token()
    signed, _, signature = valid.rpartition(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    yield "no signature", f"{signed}."
    yield "half a signature", f"{signed}.{signature[: len(signature) // 2]}"
    yield "a signature too long", f"{signed}.{signature}AAAA"
    yield "a changed signature", f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    yield "a signature of zeros", f"{signed}.{'A' * len(signature)}"
    yield "another token's signature", f"{signed}.{signer.token(jti='2').rpartition('.')[2]}"
    yield "loose bits in the signature", valid[:-1] + alphabet[alphabet.index(valid[-1]) ^ 1]
    for padding in ("=", "==", "===", "%3D"):
        yield f"{padding} appended", valid + padding
    yield "padding after the header", valid.replace(".", "=.", 1)
    dashed = next(token for n in range(99) if set("-_") & set((token := signer.token(n=n)).rpartition(".")[2]))
    yield "base64 and not base64url", dashed.replace("-", "+").replace("_", "/")
    yield "claims changed after signing", valid.replace(valid.split(".")[1], segment(signer.claims(jti="2")))


def _algorithms(signer: Signer) -> Iterator[tuple[str, str]]:
    claims = signer.claims()
    for name in ("none", "nOnE", "None", "", None, 7, ["HS256"], {"HS256": 1}, "HS257", "RS256\0", "hs256"):
        signed = signer.sign(signer.header(alg=name), claims)
        yield f"alg {name!r}, signed", signed
        yield f"alg {name!r}, unsigned", signed.rpartition(".")[0] + "."
    yield "no alg", signer.sign({"typ": "JWT"}, claims)
    yield "RS256 by a stranger", signed_with("RS256", STRANGER, signer.header(alg="RS256"), claims)
    yield "same algorithm, stranger's key", signed_with(signer.algorithm, _strange_key(signer), signer.header(), claims)
    for secret in (b"", b"secret", signer.issuer.encode()):
        yield f"HS256 with {secret!r}", signed_with("HS256", secret, signer.header(alg="HS256"), claims)
    if signer.is_symmetric:
        yield "HS512 with the secret", signed_with("HS512", signer.key, signer.header(alg="HS512"), claims)
        return
    if signer.algorithm == "RS256":
        yield "PS512 with the right key", signed_with("PS512", signer.key, signer.header(alg="PS512"), claims)
    for name, secret in public_forms(signer):
        for algorithm in ("HS256", "HS512"):
            yield f"{algorithm} with {name}", signed_with(algorithm, secret, signer.header(alg=algorithm), claims)


def public_forms(signer: Signer) -> Iterator[tuple[str, bytes]]:
    """The public key as the bytes an attacker may try as a secret."""
    public = signer.key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield "the public PEM", pem
    yield "the public PEM, trimmed", pem.strip()
    yield "the public DER", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    yield "the public JWK", json.dumps(ALGORITHMS[signer.algorithm].to_jwk(public, as_dict=True)).encode()


def _strange_key(signer: Signer) -> Any:
    if signer.is_symmetric:
        return b"another secret, as long as it should be"
    if isinstance(signer.key, rsa.RSAPrivateKey):
        return STRANGER
    if isinstance(signer.key, ec.EllipticCurvePrivateKey):
        return ec.generate_private_key(signer.key.curve)
    return ed25519.Ed25519PrivateKey.generate()


def _headers(signer: Signer) -> Iterator[tuple[str, str]]:
    for crit in (["exp"], ["b64"], [], "exp", None, [None]):
        yield f"crit {crit!r}", signer.headed(crit=crit)
    yield "crit with its member", signer.headed(crit=["tally"], tally=1)
    yield "b64 false", signer.headed(b64=False, crit=["b64"])
    yield "b64 true", signer.headed(b64=True)
    for kid in (7, None, True, ["k"], {"k": 1}, "k" * 129):
        yield f"kid {str(kid)[:9]!r} ({type(kid).__name__})", signer.headed(kid=kid)
    for kind in ("", "JOSE", "id+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", None, 7, ["JWT"]):
        yield f"typ {kind!r}", signer.headed(typ=kind)


def _brought_keys(trap_url: str, signer: Signer) -> Iterator[tuple[str, str]]:
    jwk = RSAAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True)
    brought: dict[str, Any] = {"jku": trap_url, "x5u": trap_url, "jwk": jwk, "x5c": [segment(b"certificate")]}
    for name, value in brought.items():
        header = signer.header(alg="RS256", **{name: value})
        yield f"{name} of a stranger", signed_with("RS256", STRANGER, header, signer.claims())
    secret = {"kty": "oct", "k": segment(b"attacker")}
    header = signer.header(alg="HS256", jwk=secret)
    yield "jwk that is a secret", signed_with("HS256", b"attacker", header, signer.claims())


def _members(signer: Signer) -> Iterator[tuple[str, str]]:
    for name in ("iss", "aud", "exp", "sub", "account_id"):
        claims = signer.claims()
        del claims[name]
        yield f"no {name}", signer.sign(signer.header(), claims)
    name = signer.issuer
    for issuer in ("", "other", f"{name}/", f"{name}/api-keys", name.upper(), f" {name}", None, 7, [name], {name: 1}):
        yield f"iss {issuer!r}", signer.token(iss=issuer)
    name = signer.audience
    for audience in (
        "",
        "other",
        name.upper(),
        f"{name} other",
        None,
        7,
        [],
        ["other"],
        [[name]],
        {name: 1},
        [name, 7],
    ):
        yield f"aud {audience!r}", signer.token(aud=audience)
    for claim in ("nonce", "at_hash", "c_hash"):
        yield f"ID token with {claim}", signer.token(**{claim: "x"})
    if signer.is_symmetric:
        for key_id in ("key", 7, True, "", ["x"]):
            yield f"key_id {key_id!r}", signer.token(key_id=key_id)


def _times(signer: Signer) -> Iterator[tuple[str, str]]:
    now = int(time.time())
    rubbish: tuple[Any, ...] = (
        str(now + HOUR),
        None,
        True,
        False,
        -1,
        -1.5,
        [now],
        {},
        10**26,
        1e308,
        float("nan"),
        float("inf"),
    )
    for claim in ("exp", "nbf", "iat"):
        for value in (*rubbish, float("-inf")):
            yield f"{claim} {type(value).__name__} {str(value)[:10]}", signer.token(**{claim: value})
        text = json.dumps(signer.claims(**{claim: 123454321})).replace("123454321", "1e400")
        yield f"{claim} 1e400", signer.sign(signer.header(), text.encode())
        digits = text.replace("1e400", "1" * 5000)
        yield f"{claim} of 5,000 digits", signer.sign(signer.header(), digits.encode())
    yield "expired", signer.token(iat=now - 2 * HOUR, exp=now - HOUR)
    yield "expired at the epoch", signer.token(iat=0, exp=0)
    yield "not yet valid", signer.token(nbf=now + HOUR)
    yield "issued in the future", signer.token(iat=now + HOUR, exp=now + 2 * HOUR)
    yield "a life over 24 h", signer.token(iat=now - HOUR, exp=now + DAY - HOUR + 60)
    claims = signer.claims(exp=now + DAY + HOUR)  # made when tests are collected, used when they run
    del claims["iat"]
    yield "a life over 24 h, without iat", signer.sign(signer.header(), claims)


def _subjects(signer: Signer) -> Iterator[tuple[str, str]]:
    for claim in ("sub", "account_id"):
        right = signer.claims()[claim]
        spellings = (
            f"{right}\0", f"\0{right}", f"{right[:-1]}\0", "\ud800", f"{right}\udfff", right.upper(), f"{{{right}}}",
            f"urn:uuid:{right}", right.replace("-", ""), f" {right}", f"{right}\n", right[:-1], right.replace("0", "٠"),
            "", "admin", "' or 1=1 --", None, 7, True, [right], {"id": right},
        )  # fmt: skip
        for spelling in spellings:
            yield f"{claim} {spelling!a}", signer.token(**{claim: spelling})


def _documents(signer: Signer) -> Iterator[tuple[str, str]]:
    header, claims = json.dumps(signer.header()).encode(), json.dumps(signer.claims()).encode()
    deep = b"[" * 2700 + b"]" * 2700
    texts = (b"", b"[]", b'"x"', b"1", b"null", b"NaN", b"{", b"{}", b"\xff\xfe", b'{"a":"\xff"}', b"{'a':1}", deep)
    for text in texts:
        yield f"header {text[:9]!r}", signer.sign(text, claims)
        yield f"claims {text[:9]!r}", signer.sign(header, text)
    for name in ("utf-16", "utf-32", "utf-8-sig"):
        yield f"header in {name}", signer.sign(header.decode().encode(name), claims)
        yield f"claims in {name}", signer.sign(header, claims.decode().encode(name))
    for member in (b'"sub":"x"', b'"exp":1', b'"account_id":null', b'"aud":"other"', b'"iss":"other"'):
        yield f"{member.decode()} and again", signer.sign(header, b"{" + member + b"," + claims[1:])
    yield "a member twice, deep inside", signer.sign(header, b'{"a":[{"b":1,"b":2}],' + claims[1:])
    yield "alg twice", signer.sign(b'{"alg":"none",' + header[1:], claims)
    yield "NaN in a stray claim", signer.sign(header, b'{"x":NaN,' + claims[1:])
    yield "text after the claims", signer.sign(header, claims + b"{}")
