"""tally up: everything, from nothing."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.operator import secret_file, write_private
from app.db.addresses import Addresses, configured, of_embedded
from app.db.embedded import Embedded
from app.settings import Settings

ENOUGH = 32


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default TALLY_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default TALLY_PORT.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded PostgreSQL lives; default .tally.")] = None,
    *,
    demo: Annotated[bool, typer.Option(help="Load a demo account when the database is empty.")] = True,
) -> None:
    """Start PostgreSQL, migrate, load a demo account when empty, serve the API and run the worker. Ctrl-C stops all."""
    from app.cli.process import end_on_sigterm, listen  # noqa: PLC0415

    chosen = {"host": host, "port": port, "data_dir": data_dir}
    settings = Settings().model_copy(update={name: value for name, value in chosen.items() if value is not None})
    end_on_sigterm()
    listener = listen(settings.host, settings.port)
    with database(settings) as addresses:
        start(settings, addresses, listener, demo=demo)


def start(settings: Settings, addresses: Addresses, listener: Any, *, demo: bool) -> None:
    from app.cli.banner import announce  # noqa: PLC0415
    from app.cli.demo import keys_of_demo  # noqa: PLC0415
    from app.cli.migrate import upgrade  # noqa: PLC0415
    from app.cli.process import serve  # noqa: PLC0415
    from app.main import create_app  # noqa: PLC0415

    upgrade(addresses)
    signed = settings.model_copy(update={"jwt_secret": own_secret(settings)})
    app = create_app(signed, addresses.application)
    keys = keys_of_demo(settings, addresses) if demo else {}
    host, port = listener.getsockname()[:2]
    with worker(settings, addresses):
        serve(app, listener, lambda: announce(f"http://{host}:{port}", keys))


@contextmanager
def database(settings: Settings) -> Iterator[Addresses]:
    """The configured server, else our own, which lives as long as this command."""
    found = configured(settings)
    if found is not None:
        yield found
        return
    with Embedded(settings.data_dir) as server:
        yield of_embedded(server)


def own_secret(settings: Settings) -> Any:
    """The configured secret; else, where nothing says whom to trust, a random one kept beside the data."""
    from pydantic import SecretStr  # noqa: PLC0415

    if settings.jwt_secret or settings.jwt_public_key or settings.jwks_url:
        return settings.jwt_secret
    kept = secret_file(settings.data_dir)
    if not kept.exists():
        write_private(kept, secrets.token_hex(ENOUGH))
    return SecretStr(kept.read_text().strip())


@contextmanager
def worker(settings: Settings, addresses: Addresses) -> Iterator[None]:
    """A process of its own, so that no job ever delays an answer; it ends with us, however we end."""
    environment = {
        **os.environ,
        "DATABASE_URL": addresses.application.render_as_string(hide_password=False),
        "TALLY_DATA_DIR": str(settings.data_dir),
    }
    command = [sys.executable, "-m", "app.cli", "worker", "--with-parent"]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def register(cli: typer.Typer) -> None:
    cli.command("up")(up)
