"""tally import: event journals become facts."""

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.operator import DataDir, on_database, on_record, settings_with
from app.cli.progress import share
from app.cli.terminal import AsJson, complain, remark, say, show

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.transcripts.journals import Choices, Report

SUMS = ("lines_read", "skipped_by_offset", "rows", "stored", "ignored", "too_old", "sessions_cleared", "errors")
MOST_SHOWN = 20


async def bring_in(database: "Database", choices: "Choices", paths: list[Path], reports: list["Report"]) -> None:
    """One after the other; strict, the first that is corrupt ends it."""
    from app.transcripts.journals import Import  # noqa: PLC0415

    for path in paths:
        journal = Import(database, choices, path)
        reports.append(journal.report)
        with share(path.name) as advance:
            async for done, total in journal.run():
                advance(done, total)


def summed(reports: list["Report"]) -> dict[str, Any]:
    rows = [asdict(report) for report in reports]
    return {
        "files": len(rows),
        **{name: sum(row[name] for row in rows) for name in SUMS},
        "errors_detail": [error for row in rows for error in row["errors_detail"]],
        "noticed": [f"{row['file']}: {said}" for row in rows for said in row["noticed"]],
    }


def tell(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show(found, as_json=True)
        return
    errors, noticed = found.pop("errors_detail"), found.pop("noticed")
    show(found, as_json=False)
    for said in noticed:
        say(said)
    for error in errors[:MOST_SHOWN]:
        remark(f"{error['file']}:{error['line']}: {error['detail']}")
    if found["errors"] > MOST_SHOWN:
        remark(f"and {found['errors'] - MOST_SHOWN} more: --json lists the first 100 of each file")


def bring(  # noqa: PLR0913 - options, not parameters
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Journals: JSON Lines, one event a line.")],
    account: Annotated[UUID, typer.Option(help="The account's id.")],
    user: Annotated[str, typer.Option(help="Whose sessions these are: a member's id or e-mail.")] = "",
    data_dir: DataDir = None,
    *,
    best_effort: Annotated[bool, typer.Option("--best-effort", help="Report what is corrupt, and go on.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Clear what came from these files, then read all.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring in event journals: threads, turns, tool calls. Only what is new is read; a corrupt line stops it."""
    reports: list[Report] = []

    async def run(database: "Database") -> None:
        from app.admin.founding import find_member, require_account  # noqa: PLC0415
        from app.facts.members import Sender  # noqa: PLC0415
        from app.transcripts.journals import Choices  # noqa: PLC0415

        async with database.transaction(account, read_only=True) as tx:
            await require_account(tx)
        owner = await find_member(database, account, user) if user else None
        choices = Choices(Sender(account, owner, is_admin=True), best_effort, rebuild)
        asked = {"files": len(files), "best_effort": best_effort, "rebuild": rebuild}
        await on_record(database, account, "journal.import", owner, **asked)
        await bring_in(database, choices, files, reports)

    with contextlib.ExitStack() as told:
        # What was done is told also where it stopped in the middle.
        if as_json:
            told.callback(lambda: tell(summed(reports), as_json=True) if reports else None)
        on_database(run, settings_with(data_dir=data_dir))
    if not as_json:
        tell(summed(reports), as_json=False)
    unreadable = [report.file for report in reports if report.is_unreadable]
    for file in unreadable:
        complain(f"{file}: no line of it could be read; is it a journal of events?")
    if unreadable:
        raise typer.Exit(1)


def register(cli: typer.Typer) -> None:
    cli.command("import", epilog="Example: tally import events.jsonl --account 0190… --user ada@acme.example")(bring)
