"""tally user add | role | deactivate."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from app.cli.operator import DataDir, on_database, settings_with
from app.cli.terminal import AsJson, show

commands = typer.Typer(help="Members of an account.", no_args_is_help=True, rich_markup_mode=None)
UserId = Annotated[UUID, typer.Argument(help="The member's id.")]


class RoleName(StrEnum):
    viewer = "viewer"
    engineer = "engineer"
    admin = "admin"
    owner = "owner"


RoleOption = Annotated[
    RoleName, typer.Option(help="viewer sees their own; engineer, reports; admin, settings; owner, all.")
]


@commands.command("add", epilog="Example: tally user add ada@acme.example --account ID --role owner")
def add(  # noqa: PLR0913 - options, not parameters
    email: Annotated[str, typer.Argument(help="The member's e-mail address.")],
    account: Annotated[UUID, typer.Option(help="The account's id.")],
    role: RoleOption = RoleName.viewer,
    name: Annotated[str, typer.Option(help="The member's name; default: from the address.")] = "",
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add a member. Then: tally key create --user ID."""
    from app.admin.founding import add_user  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)
    show(on_database(lambda database: add_user(database, account, email, role.value, name), settings), as_json=as_json)


@commands.command("role", epilog="Example: tally user role ID engineer")
def role(
    user: UserId,
    role: Annotated[RoleName, typer.Argument(help="The new role.")],
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give a member another role; it acts on their next request."""
    from app.admin.founding import change_user  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)
    show(on_database(lambda database: change_user(database, user, account_role=role.value), settings), as_json=as_json)


@commands.command("deactivate", epilog="Example: tally user deactivate ID")
def deactivate(user: UserId, data_dir: DataDir = None, *, as_json: AsJson = False) -> None:
    """Shut a member out, keys and tokens included; their facts stay."""
    from app.admin.founding import change_user  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)
    show(on_database(lambda database: change_user(database, user, active=False), settings), as_json=as_json)
