"""The demo account: made when the database has no account; its keys are kept in the data directory."""

import asyncio
import json
from pathlib import Path
from typing import Any

from app.auth.caller import Role
from app.cli.operator import run_on, write_private
from app.db.addresses import Addresses
from app.db.engine import Database
from app.settings import Settings

PEOPLE: dict[Role, str] = {
    "viewer": "vera@demo.example",
    "engineer": "emil@demo.example",
    "admin": "ada@demo.example",
    "owner": "olga@demo.example",
}


def keys_of_demo(settings: Settings, addresses: Addresses) -> dict[str, str]:
    """A sign-in key per role, made once; none where the database has accounts of its own."""
    kept = settings.data_dir / "demo.json"
    known = read(kept)
    demo = asyncio.run(run_on(addresses, settings, lambda database: found_demo(database, known)))
    if demo and demo != known:
        write_private(kept, json.dumps(demo))
    return demo["keys"] if demo else {}


def read(kept: Path) -> dict[str, Any]:
    """What an earlier start noted; a damaged note is no note."""
    try:
        noted: dict[str, Any] = {"account": None, **json.loads(kept.read_text())}
    except (FileNotFoundError, ValueError, TypeError):
        return {"account": None}
    return noted


async def found_demo(database: Database, known: dict[str, Any]) -> dict[str, Any] | None:
    from app.admin.founding import account_ids, add_user, create_account, create_key  # noqa: PLC0415

    accounts = {str(account) for account in await account_ids(database)}
    if accounts:
        return known if known["account"] in accounts else None
    account = await create_account(database, "Demo company", "Europe/Berlin")
    keys = {}
    for role, email in PEOPLE.items():
        user = await add_user(database, account["id"], email, role)
        _, secret = await create_key(database, user["id"], "demo sign-in")
        keys[role] = secret.text
    return {"account": str(account["id"]), "keys": keys}
