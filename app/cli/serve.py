"""tally serve: the API alone, on a database that is there."""

from typing import Annotated

import typer

from app.cli.operator import inspect, settings_with


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default TALLY_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; default TALLY_PORT; 0: any free.")] = None,
) -> None:
    """Serve the API. Needs DATABASE_URL, a migrated schema, and one of the TALLY_JWT settings."""
    import structlog  # noqa: PLC0415

    from app.cli.process import end_on_sigterm, listen, url_of  # noqa: PLC0415
    from app.cli.process import serve as run  # noqa: PLC0415
    from app.db.addresses import configured  # noqa: PLC0415
    from app.main import create_app  # noqa: PLC0415

    settings = settings_with(host=host, port=port)
    end_on_sigterm()
    app = create_app(settings)
    addresses = configured(settings)
    assert addresses is not None  # noqa: S101 - create_app has refused otherwise
    listener = listen(settings.host, settings.port)
    inspect(addresses, settings)
    run(app, listener, lambda: structlog.get_logger("tally").info("listening", url=url_of(listener)))


def register(cli: typer.Typer) -> None:
    cli.command("serve", epilog="Example: tally serve --host 0.0.0.0 --port 8000")(serve)
