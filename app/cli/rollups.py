"""tally rollups verify | rebuild."""

import asyncio
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.operator import DataDir, on_database, on_record, settings_with
from app.cli.progress import share
from app.cli.terminal import AsJson, say, show

if TYPE_CHECKING:
    from app.db.engine import Database

commands = typer.Typer(help="Rollups: the sums that reports are made of.", no_args_is_help=True, rich_markup_mode=None)
OneAccount = Annotated[UUID | None, typer.Option("--account", help="Only this account; default: all.")]
MOST_SHOWN = 200


async def chosen(database: "Database", account: UUID | None) -> list[UUID]:
    from app.admin.founding import account_ids, require_account  # noqa: PLC0415

    if account is None:
        return await account_ids(database)
    async with database.transaction(account, read_only=True) as tx:
        await require_account(tx)
    return [account]


@commands.command("verify", epilog="Example: tally rollups verify --account 0190…")
def verify(account: OneAccount = None, data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Count everything anew and print every difference. Changes nothing; exit 1 when there is one."""
    from app.facts import upkeep  # noqa: PLC0415

    async def check(database: "Database") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for one in await chosen(database, account):
            with share(f"account {one}") as advance:
                async for progress in upkeep.verify(database, one):
                    advance(progress.done, progress.total)
                    found += [{"account": str(one), **row} for row in upkeep.explain(progress.differences)]
        return found

    found = on_database(check, settings_with(data_dir=data_dir))
    if as_json:
        show({"exact": not found, "differences": found}, as_json=True)
    else:
        for row in found[:MOST_SHOWN]:
            say(f"{row['account']} {row['table']} {row['key']}: stored {row['stored']}, facts {row['facts']}")
        typer.echo(f"{len(found)} differences." if found else "Every rollup says what the facts say.")
    if found:
        raise typer.Exit(1)


@commands.command("rebuild", epilog="Example: tally rollups rebuild --account 0190… --since 2026-03-01")
def rebuild(
    account: OneAccount = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Go on from this day.")] = None,
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Count the rollups anew from the facts. Accounts go on taking in facts meanwhile; safe to cut off and repeat."""
    from app.facts import upkeep  # noqa: PLC0415

    async def count(database: "Database") -> int:
        accounts = await chosen(database, account)
        for one in accounts:
            reached: date | None = since.date() if since else None
            await on_record(database, one, "rollups.rebuild", since=str(reached) if reached else None)
            try:
                with share(f"account {one}") as advance:
                    async for progress in upkeep.rebuild(database, one, reached):
                        advance(progress.done, progress.total)
                        reached = progress.next_day or reached
            except (KeyboardInterrupt, asyncio.CancelledError):
                typer.echo(f"Stopped. Go on with: tally rollups rebuild --account {one} --since {reached}", err=True)
                raise
        return len(accounts)

    done = on_database(count, settings_with(data_dir=data_dir))
    show({"accounts": done, "rebuilt": True}, as_json=True) if as_json else typer.echo(f"Rebuilt {done} account(s).")
