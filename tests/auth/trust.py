"""Keys, who trusts them and who signs with them."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.auth.tokens import TokenAuthority, TrustedKeys
from app.web.problems import Unauthorized
from tests.auth.token_corpus import Signer

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
