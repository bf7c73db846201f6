"""GET /api/v1/analytics/users: what each member's sessions came to."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Annotated, Any
from uuid import UUID

from asyncpg import Record
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import ARRAY, Uuid, any_, bindparam, select
from starlette.responses import Response

from app.analytics.counts import count
from app.analytics.folding import OTHERS, parted
from app.analytics.parameters import ReportQuery
from app.analytics.reports import ANSWERS, Asked, Dated, Dollars, Span, routes
from app.analytics.session_counts import created_by_member
from app.analytics.sources import ACCOUNT, UNKNOWN, Filters
from app.analytics.sums import Sums, added
from app.analytics.window import Window
from app.auth.caller import Caller, EngineerTx
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.ai_session import AISession
from app.models.user import User
from app.web.schema import Instant

router = routes()
NOBODY = {"id": None, "name": UNKNOWN, "last_active_at": None}
NOTHING = (Sums(), 0)


class MemberUsage(BaseModel):
    user_id: UUID | None = Field(
        description="Null on the line of sessions that belong to no member, and on that of members who share one."
    )
    name: str = Field(description="`unknown` and `other` on these lines.")
    messages: int
    sessions: int = Field(description="Sessions created in the window, as /usage counts them.")
    tokens: int
    cost_usd: Dollars
    last_active_at: Instant | None = Field(
        description="The last message of any of the member's sessions, whenever it was; null if there is none."
    )


class MemberTotals(BaseModel):
    total_messages: int
    total_sessions: int
    total_tokens: int


class PreviousMembers(MemberTotals, Span):
    """The window before."""


class MemberReport(MemberTotals, Dated):
    users: list[MemberUsage] = Field(
        description="Most messages first, then by name. Every member, also with zeros. For callers below admin, a"
        " filter that leaves one or two others gives one line `other`, as the account's `member_detail` says."
    )
    previous: PreviousMembers | None = Field(default=None, description="Only with `compare=previous`.")


@router.get("/users", response_model=MemberReport, responses=ANSWERS)
async def read_user_usage(tx: EngineerTx, asking: Asked, asked: Annotated[ReportQuery, Query()]) -> Response:
    """Every member's messages, sessions, tokens and cost. The lines add up to what /usage shows."""
    window, filters = asking.window(tx, asked), Filters.of(asked)
    return await asking.answer_anew(
        tx, window, partial(users, tx, tx.caller, window, filters, compare=bool(asked.compare))
    )


async def users(tx: Tx, caller: Caller, window: Window, filters: Filters, *, compare: bool) -> dict[str, Any]:
    found, people = await counted(tx, window, filters), await members(tx, filters)
    shown, others = parted(caller, people, found.keys(), narrowed=bool(filters.given))
    lines = [line(person, *found.pop(person["id"], NOTHING)) for person in shown]
    if others:
        sums, sessions = zip(*(found.pop(person["id"], NOTHING) for person in others), strict=True)
        lines.append(line(OTHERS, added(sums), sum(sessions)))
    if None in found:
        lines.append(line(NOBODY, *found[None]))
    report = totals(lines) | {
        "users": sorted(lines, key=lambda line: (-line["messages"], line["name"], str(line["user_id"])))
    }
    if compare:
        before = window.previous
        report["previous"] = before.shown | totals(
            [line(NOBODY, *of) for of in (await counted(tx, before, filters)).values()]
        )
    return report


async def counted(tx: Tx, window: Window, filters: Filters) -> dict[UUID | None, tuple[Sums, int]]:
    """What was said in each member's sessions, and how many of these began."""
    said: dict[UUID | None, Sums] = await count(tx, window, filters, "user")
    began = await created_by_member(tx, window, filters)
    return {user: (said.get(user, Sums()), began.get(user, 0)) for user in said.keys() | began.keys()}


async def members(tx: Tx, filters: Filters) -> list[Record]:
    chosen = {"user": filters.values["user"]} if "user" in filters.given else {}
    return await by_name(chosen=bool(chosen)).all(tx, **chosen)


def line(person: Mapping[str, Any] | Record, sums: Sums, sessions: int) -> dict[str, Any]:
    return {
        "user_id": person["id"],
        "name": person["name"],
        "messages": sums.messages,
        "sessions": sessions,
        "tokens": sums.tokens,
        "cost_usd": sums.cost,
        "last_active_at": person["last_active_at"],
    }


def totals(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {f"total_{noun}": sum(line[noun] for line in lines) for noun in ("messages", "sessions", "tokens")}


@cache
def by_name(*, chosen: bool) -> Prepared:
    last = (
        select(AISession.last_activity_at)
        .where(
            AISession.account_id == ACCOUNT,
            AISession.user_id == User.id,
            AISession.last_activity_at.is_not(None),
        )
        .order_by(AISession.last_activity_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    people = select(User.id, User.name, last.label("last_active_at")).where(User.account_id == ACCOUNT)
    if chosen:
        people = people.where(User.id == any_(bindparam("user", type_=ARRAY(Uuid()))))
    return Prepared(people)
