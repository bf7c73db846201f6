"""The demo's company: its members, and the keys to sign in with, which are kept in the data directory."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from app.auth.caller import Role
from app.cli.operator import write_private
from app.db.addresses import parse
from app.db.engine import Database
from app.db.files import read_own
from app.settings import Settings

COMPANY, ZONE = "Demo company", "Europe/Berlin"


class Person(NamedTuple):
    """`activity` is how much they work with agents, against the others."""

    name: str
    role: Role
    activity: float

    @property
    def email(self) -> str:
        return f"{self.name.partition(' ')[0].lower()}@demo.example"


PEOPLE = (
    Person("Vera Lindqvist", "viewer", 1.0),
    Person("Emil Hartmann", "engineer", 1.9),
    Person("Ada Okafor", "admin", 1.2),
    Person("Olga Petrova", "owner", 0.5),
    Person("Mateo Rossi", "engineer", 1.7),
    Person("Yuki Tanaka", "engineer", 1.4),
    Person("Priya Raman", "engineer", 1.3),
    Person("Jonas Weber", "viewer", 0.8),
    Person("Amara Diallo", "viewer", 0.7),
    Person("Lucas Moreau", "viewer", 0.6),
    Person("Hannah Cohen", "viewer", 0.4),
    Person("Tom Brennan", "viewer", 0.2),
)
WITH_KEYS = {person.role: person for person in reversed(PEOPLE)}
LOADER = WITH_KEYS["admin"]


def note_of(settings: Settings) -> Path:
    """Each database has its own: the embedded one's keys must outlast a try with another."""
    if settings.database_url is None:
        return settings.data_dir / "demo.json"
    url = parse(settings.database_url.get_secret_value())
    name = f"{url.host}:{url.port}/{url.database}?{sorted(url.query.items())}"
    return settings.data_dir / f"demo-{sha256(name.encode()).hexdigest()[:12]}.json"


def read(settings: Settings) -> dict[str, Any]:
    """What an earlier start noted; a damaged note is no note."""
    try:
        noted: dict[str, Any] = {"account": None, **json.loads(read_own(note_of(settings)))}
    except (FileNotFoundError, ValueError, TypeError):
        return {"account": None}
    return noted


def keep(settings: Settings, demo: dict[str, Any]) -> None:
    write_private(note_of(settings), json.dumps(demo))


async def demo_of(database: Database, settings: Settings) -> dict[str, Any] | None:
    """The demo account with a sign-in key per role, made once; none where the database has accounts of its own."""
    from app.admin.founding import account_ids  # noqa: PLC0415

    known = read(settings)
    accounts = {str(account) for account in await account_ids(database)}
    if accounts:
        return known if known["account"] in accounts else None
    return await found_noted(database, settings)


async def found_noted(database: Database, settings: Settings) -> dict[str, Any]:
    demo = await found(database)
    keep(settings, demo)
    return demo


async def found(database: Database) -> dict[str, Any]:
    """A new account whose first members, one per role, have keys; the others join when the story is told."""
    from app.admin.founding import add_user, create_account, create_key  # noqa: PLC0415

    account = await create_account(database, COMPANY, ZONE)
    keys = {}
    for role in ("viewer", "engineer", "admin", "owner"):
        person = WITH_KEYS[role]
        user = await add_user(database, account["id"], person.email, person.role, person.name)
        _, secret = await create_key(database, user["id"], "demo sign-in")
        keys[role] = secret.text
    return {"account": str(account["id"]), "keys": keys}


async def join(database: Database, account: UUID) -> dict[str, UUID]:
    """Everybody of the story is a member; whoever is already, stays as they are. By e-mail, all who may call."""
    from sqlalchemy import select  # noqa: PLC0415

    from app.admin.founding import add_user  # noqa: PLC0415
    from app.models.user import User  # noqa: PLC0415

    async with database.transaction(account, read_only=True) as tx:
        rows = await tx.connection.execute(select(User.email, User.id, User.active).where(User.account_id == account))
        known = {row.email: row for row in rows}
    ids = {email: row.id for email, row in known.items() if row.active or email == LOADER.email}
    for person in PEOPLE:
        if person.email not in known:
            user = await add_user(database, account, person.email, person.role, person.name)
            ids[person.email] = user["id"]
    return ids
