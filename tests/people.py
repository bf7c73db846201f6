"""Accounts and members for tests: a fresh account each, so that every test proves tenancy again."""

from dataclasses import dataclass
from uuid import UUID

from app.admin.founding import add_user, create_account
from app.auth.caller import Role
from app.auth.tokens import TokenAuthority
from app.db.engine import Database


@dataclass(frozen=True)
class Person:
    """A member and their signed token."""

    id: UUID
    account_id: UUID
    email: str
    role: Role
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Company:
    """An account with one member of every role."""

    id: UUID
    viewer: Person
    engineer: Person
    admin: Person
    owner: Person

    def of(self, role: Role) -> Person:
        person: Person = getattr(self, role)
        return person


@dataclass(frozen=True)
class Founder:
    """Makes companies and people on the database under test."""

    database: Database
    authority: TokenAuthority

    async def company(self, name: str = "Acme", timezone: str = "UTC") -> Company:
        account = await create_account(self.database, name, timezone)
        people = {role: await self.person(account["id"], role) for role in ("viewer", "engineer", "admin", "owner")}
        # Founded long ago: what is on record is what a test does.
        async with self.database.transaction(account["id"]) as tx:
            await tx.driver.execute("DELETE FROM audit_log WHERE account_id = $1", account["id"])
        return Company(id=account["id"], **people)

    async def person(self, account: UUID, role: Role, email: str = "") -> Person:
        user = await add_user(self.database, account, email or f"{role}@example.com", role)
        token = self.authority.issue(user["id"], account)
        return Person(id=user["id"], account_id=account, email=user["email"], role=role, token=token)
