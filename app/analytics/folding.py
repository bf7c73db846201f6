"""What people below admin see of others, one by one: the account's `member_detail`.

`all`: every line, as admins do. `groups`: a list that a filter narrows names at least three other members who are in
it, or none: it is about who uses what, and two names would say it of each. `own`: nobody but oneself, whatever is
asked. What is not shown is added up in one line, so that totals stay.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from app.auth.caller import Caller
from app.web.problems import Forbidden

SMALLEST = 3
OTHERS = {"id": None, "name": "other", "last_active_at": None}
# Of a session, what leads to the person.
LEADS = ("user_id", "external_id", "workspace")


def sees_all(caller: Caller) -> bool:
    return caller.may("admin") or caller.member_detail == "all"


def require_allowed(caller: Caller, asked: Iterable[UUID]) -> None:
    """Sums filtered by one member are that member's line."""
    if caller.is_walled and any(user != caller.id for user in asked):
        raise Forbidden(
            "This account shows other members one by one to admins alone: leave user_id out, or give your own."
        )


def parted(
    caller: Caller, people: Sequence[Any], active: Collection[UUID | None], *, narrowed: bool
) -> tuple[Sequence[Any], Sequence[Any]]:
    """Those who have a line of their own, and those who share one. `active`: who is in the answer at all."""
    others = [person for person in people if person["id"] != caller.id]
    seen = sum(person["id"] in active for person in others)
    small = caller.member_detail == "own" or (narrowed and 0 < seen < SMALLEST)
    if sees_all(caller) or not small:
        return people, []
    # Lines of zeros too: among few, who did nothing says who did it.
    return [person for person in people if person["id"] == caller.id], others


def veiled(caller: Caller, session: dict[str, Any]) -> dict[str, Any]:
    if not caller.is_walled or session["user_id"] == caller.id:
        return session
    return session | dict.fromkeys(LEADS)


def own_alone(caller: Caller, row: dict[str, Any], names: Iterable[str]) -> None:
    """Of what names members, takes away all but the caller."""
    if caller.is_walled:
        row |= {name: None for name in names if row[name] != caller.id}
