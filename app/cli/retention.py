"""tally retention apply."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.operator import DataDir, on_database, on_record, settings_with
from app.cli.progress import share
from app.cli.rollups import OneAccount, chosen
from app.cli.terminal import AsJson, show_rows

if TYPE_CHECKING:
    from app.db.engine import Database

commands = typer.Typer(help="Retention: how long facts are kept.", no_args_is_help=True, rich_markup_mode=None)


@commands.command("apply", epilog="Example: tally retention apply --dry-run")
def apply(
    account: OneAccount = None,
    data_dir: DataDir = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete facts older than their account keeps them. Reports keep their numbers; safe to cut off and repeat."""
    from app.facts import retention  # noqa: PLC0415

    async def clear(database: "Database", one: UUID) -> list[retention.Cleared]:
        if dry_run:
            return await retention.preview(database, one)
        await on_record(database, one, "retention.apply")
        with share(f"account {one}") as advance:
            total = sum(cleared.rows for cleared in await retention.preview(database, one))
            found = []
            async for cleared in retention.apply(database, one):
                found.append(cleared)
                advance(sum(c.rows for c in found), total)
            return found

    async def run(database: "Database") -> list[dict[str, Any]]:
        rows = []
        for one in await chosen(database, account):
            by_table: dict[str, int] = {}
            for cleared in await clear(database, one):
                by_table[cleared.table] = by_table.get(cleared.table, 0) + cleared.rows
            rows.append({"account": str(one), "dry_run": dry_run, **by_table})
        return rows

    rows = [row for row in on_database(run, settings_with(data_dir=data_dir)) if as_json or len(row) > 2]
    show_rows(rows, as_json=as_json, empty="No account gives its facts a time to go.")
