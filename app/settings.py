"""Every knob Tally has. Built at the edges (main, cli, migrations/env) and passed on; features never import it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]


def split_list(text: object) -> object:
    """`a, b` from the environment is the list a person means by it."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


class Settings(BaseSettings):
    """The environment, or `.env`, as Tally reads it. `tally doctor` prints each of these."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True, env_ignore_empty=True)

    database_url: SecretStr | None = Field(
        None, alias="DATABASE_URL", description="Application role's URL; unset: the embedded server"
    )
    migration_database_url: SecretStr | None = Field(
        None,
        alias="MIGRATION_DATABASE_URL",
        description="URL for migrations; unset: DATABASE_URL with the role tally_owner",
    )
    data_dir: Path = Field(
        Path(".tally"), alias="TALLY_DATA_DIR", description="Embedded server, its log, the random secret; session logs"
    )
    transcripts_url: str | None = Field(
        None,
        pattern=r"^[a-z0-9]+://",
        alias="TALLY_TRANSCRIPTS_URL",
        description="Bucket for session logs, as s3://bucket/prefix (needs tally[s3]); unset: the data directory",
    )
    host: str = Field("127.0.0.1", alias="TALLY_HOST", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, alias="TALLY_PORT", description="Port to listen on")

    dashboard_dir: Path | None = Field(
        None, alias="TALLY_DASHBOARD_DIR", description="The built dashboard; unset: frontend/dist beside the program"
    )

    jwt_secret: SecretStr | None = Field(
        None, min_length=32, alias="TALLY_JWT_SECRET", description="HS256 secret; also signs exchanged API keys"
    )
    jwt_public_key: str | None = Field(
        None, alias="TALLY_JWT_PUBLIC_KEY", description="PEM public key (or a path to one) of your identity provider"
    )
    jwks_url: str | None = Field(None, alias="TALLY_JWKS_URL", description="https URL of your identity provider's JWKS")
    jwt_algorithms: Annotated[list[Algorithm], NoDecode] = Field(
        default=[],
        alias="TALLY_JWT_ALGORITHMS",
        description="Accepted algorithms, one family; empty: HS256 for a secret, RS256, ES256, EdDSA for a key",
    )
    jwt_issuer: str = Field("tally", min_length=1, alias="TALLY_JWT_ISSUER", description="Required iss claim")
    jwt_audience: str = Field("tally", min_length=1, alias="TALLY_JWT_AUDIENCE", description="Required aud claim")
    token_seconds: int = Field(
        3600, ge=60, le=86400, alias="TALLY_TOKEN_SECONDS", description="Life of a token exchanged for an API key"
    )

    cors_origins: Annotated[list[str], NoDecode] = Field(
        default=[], alias="TALLY_CORS_ORIGINS", description="Browser origins that may call, comma separated"
    )
    rate_limit: int = Field(
        500, ge=0, alias="TALLY_RATE_LIMIT", description="Requests a second per account and key; 0: no limit"
    )
    rate_burst: int = Field(
        1000, ge=1, alias="TALLY_RATE_BURST", description="Requests a key may make at once before the limit bites"
    )
    max_body_bytes: int = Field(
        16 * 2**20, ge=1024, alias="TALLY_MAX_BODY_BYTES", description="Largest request body, also unpacked"
    )
    max_upload_bytes: int = Field(
        50 * 2**20, ge=1024, alias="TALLY_MAX_UPLOAD_BYTES", description="Largest session log, unpacked"
    )

    pool_size: int = Field(10, ge=1, le=500, alias="TALLY_POOL_SIZE", description="Database connections a process")
    pool_timeout_s: float = Field(
        2.0, gt=0, alias="TALLY_POOL_TIMEOUT", description="Seconds to wait for a connection before 503"
    )
    statement_timeout_ms: int = Field(15_000, ge=1, alias="TALLY_STATEMENT_TIMEOUT_MS", description="Longest statement")
    lock_timeout_ms: int = Field(5_000, ge=1, alias="TALLY_LOCK_TIMEOUT_MS", description="Longest wait for a lock")
    transaction_timeout_ms: int = Field(
        60_000, ge=1, alias="TALLY_TRANSACTION_TIMEOUT_MS", description="Longest transaction"
    )
    idle_timeout_ms: int = Field(
        10_000, ge=1, alias="TALLY_IDLE_TIMEOUT_MS", description="Longest pause inside a transaction"
    )
    prepared_statements: bool = Field(
        True,
        alias="TALLY_PREPARED_STATEMENTS",
        description="Keep prepared statements; off behind PgBouncer in transaction mode",
    )

    url: str = Field("http://127.0.0.1:8000", alias="TALLY_URL", description="The server that `tally push` talks to")
    api_key: SecretStr | None = Field(None, alias="TALLY_API_KEY", description="The API key that `tally push` uses")

    log_format: Literal["auto", "json", "console"] = Field(
        "auto", alias="TALLY_LOG_FORMAT", description="auto: readable on a terminal, JSON lines elsewhere"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        alias="TALLY_LOG_LEVEL",
        description="Least important line that is written: debug, info, warning or error",
    )

    _split = field_validator("jwt_algorithms", "cors_origins", mode="before")(split_list)
