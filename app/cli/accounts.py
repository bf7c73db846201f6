"""tally account create | list."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.operator import DataDir, on_database, settings_with
from app.cli.terminal import AsJson, show, show_rows

if TYPE_CHECKING:
    from app.db.engine import Database

commands = typer.Typer(help="Accounts: the companies that use this Tally.", no_args_is_help=True, rich_markup_mode=None)


@commands.command("create", epilog='Example: tally account create "Acme Ltd" --timezone Europe/Berlin')
def create(
    name: Annotated[str, typer.Argument(help="The company's name.")],
    timezone: Annotated[str, typer.Option(help="The zone whose days its reports count in.")] = "UTC",
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Create an account. Then: tally user add EMAIL --account ID --role owner."""
    from app.admin.founding import create_account  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)
    show(on_database(lambda database: create_account(database, name, timezone), settings), as_json=as_json)


@commands.command("list", epilog="Example: tally account list --json")
def list_all(data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """List the accounts."""
    from app.admin.founding import read_accounts  # noqa: PLC0415

    async def read(database: "Database") -> list[dict[str, Any]]:
        return [account async for account in read_accounts(database)]

    rows = on_database(read, settings_with(data_dir=data_dir))
    show_rows(rows, as_json=as_json, empty="No account yet: tally account create NAME.")
