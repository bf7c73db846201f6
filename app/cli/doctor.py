"""tally doctor: what is running, which versions, which settings are weak, and every knob."""

import platform
from typing import Any

import typer

from app import __version__
from app.cli.operator import on_database, signing_secret
from app.cli.terminal import AsJson, show, show_rows
from app.settings import Settings

PUBLIC_HOSTS = ("0.0.0.0", "::")  # noqa: S104 - named in order to warn of them


def knobs(settings: Settings) -> list[dict[str, Any]]:
    """Every setting with its value, secrets hidden, its default and its meaning."""
    return [
        {
            "setting": field.alias,
            "value": shown(name, getattr(settings, name)),
            "default": "" if field.default is None else str(field.default),
            "meaning": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]


def shown(name: str, value: object) -> str:
    if value is None or value == []:
        return ""
    return "set, hidden" if name.endswith(("url", "secret")) else str(value)


def weaknesses(settings: Settings) -> list[str]:
    """What an operator should know before strangers can reach this."""
    open_to_all = settings.host in PUBLIC_HOSTS
    checks = {
        "No sign-in is configured: `tally serve` refuses to start without one of the TALLY_JWT settings.": not (
            settings.jwt_secret or settings.jwt_public_key or settings.jwks_url
        ),
        "The API listens on every address: put a proxy with TLS before it.": open_to_all,
        "There is no rate limit.": settings.rate_limit == 0,
        "Any web page may call this API (TALLY_CORS_ORIGINS has *).": "*" in settings.cors_origins,
        "The embedded PostgreSQL serves one machine: for production set DATABASE_URL.": settings.database_url is None,
        "JWKS are fetched without TLS.": bool(settings.jwks_url and settings.jwks_url.startswith("http://")),
    }
    return [sentence for sentence, weak in checks.items() if weak]


def server(settings: Settings) -> dict[str, Any]:
    """The database as it answers now, or why it does not."""
    from app.admin.founding import account_ids  # noqa: PLC0415
    from app.cli import explain  # noqa: PLC0415
    from app.db.engine import Database, inspect_server  # noqa: PLC0415

    async def look(database: Database) -> dict[str, Any]:
        return {"postgresql": await inspect_server(database), "accounts": len(await account_ids(database))}

    where = "embedded" if settings.database_url is None else "DATABASE_URL"
    try:
        return {"database": where, **on_database(look, settings)}
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        return {"database": where, "fault": sentence}


def doctor(*, as_json: AsJson = False) -> None:
    """Say what is running, which versions, which settings are weak, and what every setting means."""
    settings = Settings()
    facts = {
        "tally": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **server(settings),
        "sign_in": "ready"
        if signing_secret(settings) or settings.jwt_public_key or settings.jwks_url
        else "not configured",
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
    cli.command("doctor")(doctor)
