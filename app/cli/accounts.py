"""tally account create | list."""

from typing import Annotated, Any

import typer

from app.cli.operator import on_database
from app.cli.terminal import AsJson, show, show_rows
from app.db.engine import Database

commands = typer.Typer(help="Accounts: the companies that use this Tally.", no_args_is_help=True)


@commands.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The company's name.")],
    timezone: Annotated[str, typer.Option(help="The zone whose days its reports count in.")] = "UTC",
    *,
    as_json: AsJson = False,
) -> None:
    """Create an account. Then: tally user add EMAIL --account ID --role owner."""
    from app.admin.founding import create_account  # noqa: PLC0415

    show(on_database(lambda database: create_account(database, name, timezone)), as_json=as_json)


@commands.command("list")
def list_all(*, as_json: AsJson = False) -> None:
    """List the accounts."""
    from app.admin.founding import read_accounts  # noqa: PLC0415

    async def read(database: Database) -> list[dict[str, Any]]:
        return [account async for account in read_accounts(database)]

    show_rows(on_database(read), as_json=as_json, empty="No account yet: tally account create NAME.")
