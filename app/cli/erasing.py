"""tally user erase, tally account delete: the same as over the API, for as long as it takes."""

from collections import Counter
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.cli.operator import DataDir, on_database, on_record, settings_with
from app.cli.progress import share
from app.cli.terminal import AsJson, show

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.settings import Settings

ROWS = {
    "user": "SELECT count(*) FROM ai_sessions WHERE account_id = $1 AND user_id = $2",
    "account": "SELECT count(*) FROM messages WHERE account_id = $1",
}


def storage(settings: "Settings") -> Any:
    from app.transcripts.storage import storage_of  # noqa: PLC0415

    return storage_of(settings.transcripts_url, settings.data_dir)


async def watched(run: AsyncGenerator[Counter[str], None], what: str, counted: str, total: int) -> Counter[str]:
    """To its end; how far it is shows in the rows of one table."""
    gone: Counter[str] = Counter()
    with share(what) as advance:
        async for some in run:
            gone += some
            advance(gone[counted], total)
    return gone


def erase(
    user: Annotated[UUID, typer.Argument(help="The member's id.")], data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Erase what is held of a member's work: sessions, their share of every report, session logs. The member stays."""
    from app.admin.erasure import erase_person  # noqa: PLC0415
    from app.admin.founding import find_user  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)

    async def run(database: "Database") -> dict[str, Any]:
        account = (await find_user(database, user))["account_id"]
        async with database.transaction(account, read_only=True) as tx:
            total = await tx.driver.fetchval(ROWS["user"], account, user)
        await on_record(database, account, "user.erase", user)
        erasing = erase_person(database, storage(settings), account, user)
        return {"user": str(user), **await watched(erasing, f"member {user}", "ai_sessions", total)}

    show(on_database(run, settings), as_json=as_json)


def delete(
    account: Annotated[UUID, typer.Argument(help="The account's id.")],
    confirm: Annotated[str, typer.Option(help="The account's display code or name, so that no slip deletes it.")],
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Delete an account with all it holds; it cannot be undone. Cut off, it is gone on with by the worker, or anew."""
    from app.admin.closing import close, finish  # noqa: PLC0415
    from app.admin.founding import require_account  # noqa: PLC0415

    settings = settings_with(data_dir=data_dir)

    async def run(database: "Database") -> dict[str, Any]:
        async with database.transaction(account, read_only=True) as tx:
            await require_account(tx)
            total = await tx.driver.fetchval(ROWS["account"], account)
        await close(database, account, confirm)
        deleting = finish(database, storage(settings), account)
        return {"account": str(account), **await watched(deleting, f"account {account}", "messages", total)}

    show(on_database(run, settings), as_json=as_json)


def register(users: typer.Typer, accounts: typer.Typer) -> None:
    users.command("erase", epilog="Example: tally user erase ID")(erase)
    accounts.command("delete", epilog="Example: tally account delete ID --confirm K7QX2M4P")(delete)
