"""tally process: a pass of the session processors by hand."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.operator import DataDir, on_database, on_record, settings_with
from app.cli.progress import share
from app.cli.rollups import OneAccount, chosen
from app.cli.terminal import AsJson, remark, show_rows
from app.settings import Settings

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.transcripts.passes import Details
    from app.transcripts.processors.contract import Processor
    from app.transcripts.storage import Storage

NUMBERS = ("scanned", "processed", "skipped", "errors", "items_extracted")


def chosen_processors(name: str | None) -> "list[Processor]":
    from app.transcripts.pipeline import processors  # noqa: PLC0415
    from app.web.problems import BadRequest  # noqa: PLC0415

    known = processors()
    if name is not None and name not in known:
        raise BadRequest(f"There is no such processor; there are: {', '.join(known)}.")
    return [one for one in known.values() if name in (None, one.name)]


async def process_all(database: "Database", storage: "Storage", account: UUID, one: "Processor") -> dict[str, Any]:
    """Passes until nothing is left that can be read now. `running`: somebody else is at it, so nothing was done."""
    from app.transcripts import passes  # noqa: PLC0415
    from app.transcripts.pipeline import Budget, backlog, run_processor  # noqa: PLC0415

    found: dict[str, Any] = {"account": str(account), "processor": one.name, **dict.fromkeys(NUMBERS, 0)}
    details: list[dict[str, str]] = []
    async with database.transaction(account, read_only=True) as tx:
        waiting = (await backlog(tx, one))["waiting"]
    budget, more, begun = Budget(), True, False

    async def one_pass() -> "Details":
        nonlocal begun
        if not begun:
            await on_record(database, account, f"run_session_processor:{one.name}")
        begun = True
        return await run_processor(database, storage, account, one.name, budget)

    with share(f"{one.name} of account {account}") as advance:
        while more:
            lease = await passes.claim(database, account, one.name)
            if lease is None:
                return {**found, "running": True, "errors_detail": details}
            done = await passes.under(lease, one, one_pass(), budget)
            found |= {name: found[name] + done[name] for name in NUMBERS}
            details += done["errors_detail"]
            more = passes.ended(done, budget).is_more
            advance(found["processed"], max(waiting, found["processed"]))
    return {**found, "running": False, "errors_detail": details}


def process(
    processor: Annotated[str | None, typer.Argument(help="Only this one; default: all.", show_default=False)] = None,
    account: OneAccount = None,
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Read the session logs that wait, now; the worker does so by itself. Exit 1 when a log could not be read."""
    settings: Settings = settings_with(data_dir=data_dir)

    async def run(database: "Database") -> list[dict[str, Any]]:
        from app.transcripts.storage import storage_of  # noqa: PLC0415

        storage, wanted = storage_of(settings.transcripts_url, settings.data_dir), chosen_processors(processor)
        accounts = await chosen(database, account)
        return [await process_all(database, storage, one, each) for one in accounts for each in wanted]

    rows = on_database(run, settings)
    errors = [error for row in rows for error in row["errors_detail"]]
    if not as_json:
        rows = [
            {k: v for k, v in row.items() if k != "errors_detail"} for row in rows if row["scanned"] or row["running"]
        ]
    show_rows(rows, as_json=as_json, empty="No log waits to be read.")
    for error in [] if as_json else errors:
        remark(f"{error['name']}: {error['detail']}")
    if errors:
        raise typer.Exit(1)


def register(cli: typer.Typer) -> None:
    cli.command("process", epilog="Example: tally process usage --account 0190…")(process)
