"""tally demo: an account that looks alive."""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.operator import DataDir, found, run_on, settings_with, write_private
from app.cli.progress import share
from app.cli.terminal import AsJson, show
from app.db.files import read_own
from app.settings import Settings

if TYPE_CHECKING:
    from app.db.addresses import Addresses

MOST_DAYS = 400
POLITE = 5
SEED, DAYS = 1, 90


def demo(  # noqa: PLR0913 - options, not parameters
    account: Annotated[str, typer.Option(help="An account's id, or `new`; default: the demo account.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Another seed tells another story.")] = SEED,
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How many days, up to now.")] = DAYS,
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True, help="As `tally up` runs it.")] = False,
) -> None:
    """Fill an account with ninety days of a company's agents. Again, it only adds what happened since.

    The account gets twelve members (…@demo.example). Everything comes in through the ingest API.
    """
    settings = settings_with(data_dir=data_dir)
    began = time.monotonic()
    with found(settings) as addresses:
        chosen = asyncio.run(run_on(addresses, settings, partial(choose, account, settings)))
        report = fill(addresses, settings, chosen["account"], (seed, days), with_parent=with_parent)
    seconds = round(time.monotonic() - began, 1)
    if with_parent:
        if report["stored"] and report["whole"]:
            sys.stderr.write(f"The demo data is loaded: {report['stored']:,} rows in {seconds} s.\n")
        return
    keys = {f"{role}_key": key for role, key in chosen.get("keys", {}).items()}
    del report["whole"]
    show({"account_id": chosen["account"], "seed": seed, **report, "seconds": seconds, **keys}, as_json=as_json)


async def choose(account: str, settings: Settings, database: Any) -> dict[str, Any]:
    """The account to fill, with its keys where we know them."""
    from app.admin.founding import account_ids  # noqa: PLC0415
    from app.cli.demo import people  # noqa: PLC0415
    from app.web.problems import NotFound  # noqa: PLC0415

    known = people.read(settings)
    if account == "new":
        return await people.found(database)
    there = {str(one) for one in await account_ids(database)}
    if not account:
        return known if known["account"] in there else await people.found_noted(database, settings)
    if account not in there:
        raise NotFound("There is no account with this id; `tally account list` shows them.")
    return {"account": account}


def fill(
    addresses: "Addresses", settings: Settings, account: str, story: tuple[int, int], *, with_parent: bool
) -> dict[str, Any]:
    """Tell the story; behind `tally up`, politely, from where the last start ended, and until it goes."""
    from app.cli.demo.load import Plan, lately, tell  # noqa: PLC0415

    mark = settings.data_dir / "demo-loaded.json"
    plan = Plan(UUID(account), *story, lately(), told_until(mark, account) if with_parent else None)

    async def run() -> dict[str, Any]:
        stop = asyncio.Event()
        if with_parent:
            end_with_parent(stop)
        # The few days since the last start are told before a bar is read.
        with (
            share("Loading the demo data", lines=True) if plan.since is None else nullcontext(print_nothing) as advance
        ):
            report = await tell(addresses, settings, plan, stop, advance)
        if with_parent and report["whole"]:
            write_private(mark, json.dumps({"account": account, "until": plan.until.isoformat()}))
        return report

    return asyncio.run(run())


def print_nothing(_done: float, _total: float) -> None:
    """The other end of no bar."""


def end_with_parent(stop: asyncio.Event) -> None:
    """The parent holds the other end of stdin: when it is gone, however it went, this end closes."""
    os.nice(POLITE)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)


def told_until(mark: Path, account: str) -> datetime | None:
    """Where an earlier start came to its end; a damaged mark is none."""
    try:
        noted = json.loads(read_own(mark))
        return datetime.fromisoformat(noted["until"]) if noted["account"] == account else None
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def register(cli: typer.Typer) -> None:
    cli.command("demo", epilog="Example: tally demo --account new --days 30 --json")(demo)
