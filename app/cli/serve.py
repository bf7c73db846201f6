"""tally serve: the API alone, on a database that is there."""

from typing import Annotated

import typer

from app.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default TALLY_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default TALLY_PORT.")] = None,
) -> None:
    """Serve the API. Needs DATABASE_URL, a migrated schema, and one of the TALLY_JWT settings."""
    from app.cli.process import end_on_sigterm, listen  # noqa: PLC0415
    from app.cli.process import serve as run  # noqa: PLC0415
    from app.main import create_app  # noqa: PLC0415

    settings = Settings()
    end_on_sigterm()
    app = create_app(settings)
    run(app, listen(host or settings.host, settings.port if port is None else port))


def register(cli: typer.Typer) -> None:
    cli.command("serve")(serve)
