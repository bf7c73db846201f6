"""python -m tests.founded NAME…: an account of each name with an owner, as the commands make them; their keys, as JSON.

In one process, where the commands would be three for each account.
"""

import json
import sys

from app.admin.founding import add_user, create_account, create_key
from app.cli.operator import on_database, settings_with
from app.db.engine import Database


async def owners(database: Database) -> list[str]:
    keys = list[str]()
    for name in sys.argv[1:]:
        account = await create_account(database, name)
        owner = await add_user(database, account["id"], "owner@example.com", "owner")
        _, key = await create_key(database, owner["id"])
        keys.append(key.text)
    return keys


if __name__ == "__main__":
    sys.stdout.write(json.dumps(on_database(owners, settings_with())))
