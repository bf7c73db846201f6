"""tally prices reprice."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.operator import DataDir, on_database, on_record, settings_with
from app.cli.progress import share
from app.cli.rollups import OneAccount, chosen
from app.cli.terminal import AsJson, show

if TYPE_CHECKING:
    from app.db.engine import Database

commands = typer.Typer(help="Prices: what messages cost.", no_args_is_help=True, rich_markup_mode=None)
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="A day, in UTC.")]


@commands.command("reprice", epilog="Example: tally prices reprice --since 2026-03-01 --until 2026-04-01")
def reprice(
    since: Day, until: Day, account: OneAccount = None, data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Price the messages from one day up to another (not included) by the price data of this version."""
    from app.facts.prices import VERSION, PriceBook  # noqa: PLC0415
    from app.facts.repricing import reprice as run  # noqa: PLC0415

    low, high = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    if low >= high:
        raise typer.BadParameter("--until must be a day after --since: it is not included.")

    async def price(database: "Database") -> int:
        total = 0
        for one in await chosen(database, account):
            await on_record(database, one, "prices.reprice", since=str(low.date()), until=str(high.date()))
            with share(f"account {one}") as advance:
                async for place, changed in run(database, one, low, high, PriceBook()):
                    total += changed
                    advance(int((place - low).total_seconds()), int((high - low).total_seconds()))
        return total

    changed = on_database(price, settings_with(data_dir=data_dir))
    if as_json:
        show({"changed": changed, "prices": VERSION}, as_json=True)
    else:
        typer.echo(f"{changed} messages have another price now ({VERSION}).")
