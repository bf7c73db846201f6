"""tally key create | revoke; tally token."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.operator import DataDir, on_database, settings_with, signing_secret
from app.cli.terminal import AsJson, show

if TYPE_CHECKING:
    from app.db.engine import Database

commands = typer.Typer(
    help="API keys, which programs exchange for tokens.", no_args_is_help=True, rich_markup_mode=None
)


@commands.command("create", epilog='Example: tally key create --user ID --name "nightly upload"')
def create(
    user: Annotated[UUID, typer.Option(help="The member the key acts for.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "made by the operator",
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once."""
    from app.admin.founding import create_key  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)
    key_id, secret = on_database(lambda database: create_key(database, user, name), settings)
    shown = {"id": key_id, "account_id": secret.account_id, "user_id": user, "name": name, "api_key": secret.text}
    show(shown, as_json=as_json)


@commands.command("revoke", epilog="Example: tally key revoke ID --account ID")
def revoke(
    key: Annotated[UUID, typer.Argument(help="The key's id.")],
    account: Annotated[UUID, typer.Option(help="The account's id.")],
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Revoke a key; tokens exchanged for it stop working at once."""
    from app.admin.founding import revoke_key  # noqa: PLC0415

    at = datetime.now(UTC)
    on_database(lambda database: revoke_key(database, account, key, at), settings_with(data_dir=data_dir))
    show({"id": key, "account_id": account, "revoked_at": at}, as_json=as_json)


def token(
    user: Annotated[UUID, typer.Argument(help="The member the token is for.")],
    seconds: Annotated[int, typer.Option(min=1, max=86_400, help="How long it lives.")] = 3600,
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Sign a token for a member, for a try with curl. Needs the server's secret."""
    from app.admin.founding import find_user  # noqa: PLC0415
    from app.auth.tokens import Misconfigured, TokenAuthority  # noqa: PLC0415
    from app.auth.trust import trusted_keys  # noqa: PLC0415
    from app.web.problems import Conflict  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)
    secret = signing_secret(settings)
    if secret is None:
        raise Misconfigured("There is no secret to sign with: set TALLY_JWT_SECRET, or run `tally up` once.")
    authority = TokenAuthority(trusted_keys(settings, secret))

    async def issue(database: "Database") -> dict[str, Any]:
        member = await find_user(database, user)
        if not member["active"]:
            raise Conflict("This member is not active: a token of theirs would open nothing.")
        signed = authority.issue(member["id"], member["account_id"], seconds=seconds)
        return {"access_token": signed, "token_type": "bearer", "expires_in": seconds}

    show(on_database(issue, settings), as_json=as_json)


def register(cli: typer.Typer) -> None:
    cli.command("token", epilog="Example: tally token ID --seconds 600 --json")(token)
