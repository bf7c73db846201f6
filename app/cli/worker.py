"""tally worker: the periodic jobs."""

import asyncio
import os
import signal
import sys
import threading
from typing import Annotated

import typer

from app.cli.operator import DataDir, found, inspect, settings_with
from app.db.files import make_folders
from app.settings import Settings

# A job has to wait for its turn at a connection, and nobody waits for it.
PATIENCE_S = 10.0
# Said to end, a worker is gone in ten seconds, whatever a job does in a thread that nothing can stop.
LAST_RESORT_S = 9.0


async def work(settings: Settings, url: object, *, with_parent: bool) -> None:
    from app.db.engine import Database  # noqa: PLC0415
    from app.transcripts.storage import storage_of  # noqa: PLC0415
    from app.worker import Worker, jobs  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not stop.is_set():
            stop.set()
            last_resort = threading.Timer(LAST_RESORT_S, os._exit, (1,))
            last_resort.daemon = True
            last_resort.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if with_parent:
        # The parent holds the other end: when it is gone, however it went, this end closes.
        loop.add_reader(sys.stdin.fileno(), end)
    make_folders(settings.data_dir)
    patient = settings.model_copy(update={"pool_timeout_s": max(PATIENCE_S, settings.pool_timeout_s)})
    database = Database(url, patient)  # type: ignore[arg-type]
    try:
        storage = storage_of(settings.transcripts_url, settings.data_dir)
        await Worker(database, settings.data_dir / "worker-alive", jobs(storage)).run(stop)
    finally:
        await database.close()


def worker(
    data_dir: DataDir = None,
    *,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True, help="End when stdin closes.")] = False,
) -> None:
    """Run the periodic jobs until stopped; any number of workers share them. `tally up` runs one itself."""
    from app.web import logs  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)
    logs.configure(settings)
    with found(settings) as addresses:
        if not with_parent:
            inspect(addresses, settings)
        asyncio.run(work(settings, addresses.application, with_parent=with_parent))


def register(cli: typer.Typer) -> None:
    cli.command("worker", epilog="Example: tally worker    (it touches TALLY_DATA_DIR/worker-alive while it works)")(
        worker
    )
