"""Batches brought in as the door does it, and the same rows handed to the oracle."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.auth.caller import Caller
from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.facts.admission import admit
from app.ingest.batches import take
from app.ingest.replay import Answer, Repeat
from tests.facts.oracle import Oracle, Report, Table
from tests.facts.stored import differences, stored
from tests.people import Company, Person

Rows = list[tuple[str, dict[str, Any]]]
NO_KEY = Repeat.of(None, b"")


def batch(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """The rows as one call takes them."""
    lists: dict[str, list[dict[str, Any]]] = {}
    for kind, row in rows:
        lists.setdefault(kind, []).append(row)
    return lists


def caller(person: Person) -> Caller:
    return Caller(person.account_id, person.id, person.role, person.email, "", None, "", "UTC", 0, None)


async def bring(tx: Tx, person: Person, rows: Rows) -> Answer:
    """One call's work in a transaction of one's own."""
    return await take(tx, caller(person), await admit(batch(rows)), NO_KEY)


@dataclass
class Account:
    """A company, and everything ever reported of it."""

    database: Database
    company: Company
    zone: str = "UTC"
    reports: list[Report] = field(default_factory=list)

    async def report(self, person: Person, rows: Rows) -> Answer:
        self.remember(person, rows)
        return await attempt(self.database, self.company.id, lambda tx: bring(tx, person, rows))

    def remember(self, person: Person, rows: Rows) -> None:
        now, by_admin = datetime.now(UTC), person.role in {"admin", "owner"}
        self.reports += [Report(kind, row, person.id, now, by_admin) for kind, row in rows]

    def expected(self) -> dict[str, Table]:
        company = self.company
        people = (company.viewer, company.engineer, company.admin, company.owner)
        members = {name: p.id for p in people for name in (str(p.id), p.email, p.email.upper())}
        return Oracle(company.id, self.zone, members, self.reports).answer()

    async def stored(self) -> dict[str, Table]:
        return await stored(self.database, self.company.id)

    async def differences(self) -> list[str]:
        """Between what is stored and what must be."""
        return differences(await self.stored(), self.expected())
