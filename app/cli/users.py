"""tally user add | role | deactivate."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from app.cli.operator import on_database
from app.cli.terminal import AsJson, show

commands = typer.Typer(help="Members of an account.", no_args_is_help=True)
UserId = Annotated[UUID, typer.Argument(help="The member's id.")]


class RoleName(StrEnum):
    viewer = "viewer"
    engineer = "engineer"
    admin = "admin"
    owner = "owner"


RoleOption = Annotated[
    RoleName, typer.Option(help="viewer sees their own; engineer, reports; admin, settings; owner, all.")
]


@commands.command("add")
def add(
    email: Annotated[str, typer.Argument(help="The member's e-mail address.")],
    account: Annotated[UUID, typer.Option(help="The account's id.")],
    role: RoleOption = RoleName.viewer,
    name: Annotated[str, typer.Option(help="The member's name; default: from the address.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Add a member. Then: tally key create --user ID."""
    from app.admin.founding import add_user  # noqa: PLC0415

    show(on_database(lambda database: add_user(database, account, email, role.value, name)), as_json=as_json)


@commands.command("role")
def role(
    user: UserId, role: Annotated[RoleName, typer.Argument(help="The new role.")], *, as_json: AsJson = False
) -> None:
    """Give a member another role; it acts on their next request."""
    from app.admin.founding import change_user  # noqa: PLC0415

    show(on_database(lambda database: change_user(database, user, account_role=role.value)), as_json=as_json)


@commands.command("deactivate")
def deactivate(user: UserId, *, as_json: AsJson = False) -> None:
    """Shut a member out, keys and tokens included; their facts stay."""
    from app.admin.founding import change_user  # noqa: PLC0415

    show(on_database(lambda database: change_user(database, user, active=False)), as_json=as_json)
