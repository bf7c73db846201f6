"""tally worker: the periodic jobs."""

import asyncio
import signal
import sys
from typing import Annotated

import typer

from app.cli.operator import DataDir, inspect, settings_with
from app.settings import Settings


async def work(settings: Settings, url: object, *, with_parent: bool) -> None:
    from app.db.engine import Database  # noqa: PLC0415
    from app.worker import Worker  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        # The parent holds the other end: when it is gone, however it went, this end closes.
        loop.add_reader(sys.stdin.fileno(), stop.set)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(url, settings)  # type: ignore[arg-type]
    try:
        await Worker(database, settings.data_dir / "worker-alive").run(stop)
    finally:
        await database.close()


def worker(
    data_dir: DataDir = None,
    *,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True, help="End when stdin closes.")] = False,
) -> None:
    """Run the periodic jobs until stopped. `tally up` runs one itself."""
    from app.db.addresses import reach  # noqa: PLC0415
    from app.web import logs  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)
    logs.configure(settings)
    with reach(settings) as addresses:
        if not with_parent:
            inspect(addresses, settings)
        asyncio.run(work(settings, addresses.application, with_parent=with_parent))


def register(cli: typer.Typer) -> None:
    cli.command("worker", epilog="Example: tally worker    (it touches TALLY_DATA_DIR/worker-alive while it works)")(
        worker
    )
