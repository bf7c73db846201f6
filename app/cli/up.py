"""tally up: everything, from nothing."""

import asyncio
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from socket import socket
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.operator import DataDir, inspect, run_on, secret_file, settings_with, write_private
from app.db.files import read_own
from app.settings import Settings

if TYPE_CHECKING:
    from app.db.addresses import Addresses

ENOUGH = 32
PATIENCE_S = 15


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default TALLY_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; default TALLY_PORT; 0: any free.")] = None,
    data_dir: DataDir = None,
    *,
    demo: Annotated[bool, typer.Option(help="Load a demo account when the database is empty.")] = True,
) -> None:
    """Start everything; Ctrl-C stops it.

    PostgreSQL (unless DATABASE_URL names one), the schema, a demo account when there is none, the API and the worker.
    """
    from app.cli.process import end_on_sigterm  # noqa: PLC0415

    settings = settings_with(host=host, port=port, data_dir=data_dir)
    end_on_sigterm()
    listener = take_port(settings)
    loading = threading.Thread(target=load, daemon=True)
    loading.start()
    with database(settings) as addresses:
        # Before anything else is imported: two threads in one circle of imports can meet half a module.
        loading.join()
        start(settings, addresses, listener, demo=demo)


def load() -> None:
    """What comes next, imported while PostgreSQL makes its cluster: 0.6 s that nobody waits for."""
    import alembic.command  # noqa: F401, PLC0415

    import app.main  # noqa: F401, PLC0415


def take_port(settings: Settings) -> socket:
    """The port; where another `tally up` of this directory has it, that is what to say."""
    from app.cli.process import listen  # noqa: PLC0415
    from app.db.addresses import BadAddress  # noqa: PLC0415
    from app.db.embedded.lock import Lock  # noqa: PLC0415

    try:
        return listen(settings.host, settings.port)
    except BadAddress:
        if settings.database_url is None and settings.data_dir.is_dir():
            lock = Lock(settings.data_dir.absolute())
            lock.acquire()
            lock.release()
        raise


def start(settings: Settings, addresses: "Addresses", listener: socket, *, demo: bool) -> None:
    from app.cli.banner import announce  # noqa: PLC0415
    from app.cli.demo.people import demo_of  # noqa: PLC0415
    from app.cli.migrate import upgrade  # noqa: PLC0415
    from app.cli.process import serve, url_of  # noqa: PLC0415
    from app.main import create_app  # noqa: PLC0415

    upgrade(addresses)
    app = create_app(settings.model_copy(update={"jwt_secret": own_secret(settings)}), addresses.application)
    inspect(addresses, settings)  # here a refusal is a sentence, inside the server a trace
    known = asyncio.run(run_on(addresses, settings, lambda database: demo_of(database, settings))) if demo else None
    with ExitStack() as running:

        def ready() -> None:
            announce(
                url_of(listener),
                known["keys"] if known else {},
                has_dashboard=app.state.dashboard.is_built,
            )
            # Last: they would take the first answer's processor.
            running.enter_context(companion(settings, addresses, "worker"))
            if known:
                running.enter_context(companion(settings, addresses, "demo", "--account", known["account"]))

        serve(app, listener, ready)


@contextmanager
def database(settings: Settings) -> Iterator["Addresses"]:
    """The configured server, else our own, which lives as long as this command."""
    from app.db.addresses import configured, of_embedded  # noqa: PLC0415
    from app.db.embedded import Embedded  # noqa: PLC0415

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
    return SecretStr(read_own(kept).strip())


@contextmanager
def companion(settings: Settings, addresses: "Addresses", *command: str) -> Iterator[None]:
    """A command in a process of its own, so that no job ever delays an answer; it ends with us, however we end."""
    environment = {
        **os.environ,
        "DATABASE_URL": addresses.application.render_as_string(hide_password=False),
        "TALLY_DATA_DIR": str(settings.data_dir),
    }
    arguments = [sys.executable, "-m", "app.cli", *command, "--with-parent"]
    process = subprocess.Popen(arguments, env=environment, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()


def register(cli: typer.Typer) -> None:
    cli.command("up", epilog="Example: tally up --port 8080 --data-dir ~/tally")(up)
