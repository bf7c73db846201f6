"""Whose a row is: members named by id or e-mail, and what a caller may bring in for whom."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.db.engine import Tx
from app.db.ids import new_id
from app.facts.admission import Admitted
from app.facts.identity import session_key
from app.facts.rows import SessionRow

NAMED = """
    SELECT id, email FROM users
    WHERE account_id = $1 AND (id = ANY ($2::uuid[]) OR email = ANY ($3::text[]))
"""
ADD = """
    INSERT INTO users (account_id, id, email, name, account_role)
    SELECT $1, t.id, t.email, left(split_part(t.email, '@', 1), 200), 'viewer'
    FROM unnest($2::uuid[], $3::text[]) AS t (id, email)
    ORDER BY t.email ON CONFLICT (account_id, email) DO NOTHING
"""
# A session that merely came through somebody (1970) is still free; one that is said to be another's is not.
OTHERS = """
    SELECT id FROM ai_sessions WHERE account_id = $1 AND id = ANY ($2) AND user_id <> $3
    AND user_id_at >= '1970-01-02'
"""
PERSON = {"sessions": ("user_id", "user_email"), "handoffs": ("handed_off_by", "claimed_by")}


# As where members are added by hand: not a grammar, so that a slip makes nobody.
ADDRESS = re.compile(r"(?=.{3,254}$)[^@\s]+@[^@\s]+")


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def named(tx: Tx, rows: Admitted, *, create: bool) -> dict[str, UUID]:
    """The members the rows name, by what they are named."""
    fields = ((row, field) for kind in PERSON for _, row in getattr(rows, kind) for field in PERSON[kind])
    names = {name for row, field in fields if (name := getattr(row, field))}
    if not names:
        return {}
    ids = {name: found for name in names if (found := as_uuid(name))}
    emails = {name: name.strip().lower() for name in names if "@" in name}
    wanted = sorted({email for email in emails.values() if ADDRESS.fullmatch(email)}) if create else []
    if wanted:
        await tx.driver.execute(ADD, tx.account, [new_id() for _ in wanted], wanted)
    found = await tx.driver.fetch(NAMED, tx.account, list(ids.values()), list(set(emails.values())))
    by_id, by_email = {row["id"] for row in found}, {row["email"]: row["id"] for row in found}
    known = {name: own for name, own in ids.items() if own in by_id}
    return known | {name: by_email[email] for name, email in emails.items() if email in by_email}


@dataclass(frozen=True)
class Sender:
    """Whoever rows come from: a member, who brings in their own, or an admin, who brings in anybody's.

    Without an id it is the operator: what they bring in is nobody's unless it says whose.
    """

    account_id: UUID
    id: UUID | None
    is_admin: bool


@dataclass(frozen=True)
class Rights:
    """What this sender may bring in."""

    sender: Sender
    members: Mapping[str, UUID]
    others: Collection[UUID]

    def refusal(self, kind: str, row: Any) -> tuple[str, str] | None:
        """For Admitted.sift: why a row may not come in, or None."""
        for field in PERSON.get(kind, ()):
            name = getattr(row, field)
            if name and name not in self.members:
                return "unknown_member", f"{field}: this account has no such member; add them first."
        if self.sender.is_admin:
            return None
        if isinstance(row, SessionRow):
            owner = row.user_id or row.user_email
            if owner and self.members[owner] != self.sender.id:
                return "not_yours", "Only an admin may bring in sessions of other members."
        if self.others:
            session = row.id if kind == "sessions" else row.session_id
            if session_key(self.sender.account_id, session) in self.others:
                return "not_yours", "This session belongs to another member of the account."
        return None


async def sessions_of_others(tx: Tx, sender: Sender, names: Iterable[str]) -> set[UUID]:
    """Of sessions so named, those that are another member's."""
    if sender.is_admin:
        return set()
    keys = [session_key(tx.account, name) for name in set(names)]
    return {row["id"] for row in await tx.driver.fetch(OTHERS, tx.account, keys, sender.id)}
