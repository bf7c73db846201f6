"""Which keys this server trusts, as its settings say."""

from app.auth.tokens import TrustedKeys
from app.settings import Settings


def trusted_keys(settings: Settings, secret: str | None = None) -> TrustedKeys:
    configured = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    return TrustedKeys(
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        secret=secret or configured,
        public_key=settings.jwt_public_key,
        jwks_url=settings.jwks_url,
        algorithms=settings.jwt_algorithms,
        token_seconds=settings.token_seconds,
    )
