"""Sessions counted: those created in a window, and those with a message on a day."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, func, select

from app.analytics.counts import ACCOUNT, FACTS, WITHIN, Filters, bounds, total
from app.analytics.window import Window
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.account_day import AccountDay
from app.models.ai_session import AISession
from app.models.message import Message

WHOLE_DAYS = AccountDay.account_id == ACCOUNT, AccountDay.day.between(bindparam("first"), bindparam("last"))
CREATED_BY_ROLLUP = Prepared(select(total(AccountDay.sessions_created)).where(*WHOLE_DAYS))
ACTIVE_BY_ROLLUP = Prepared(select(AccountDay.day, AccountDay.sessions_active).where(*WHOLE_DAYS))
CREATED_WITHIN = (
    AISession.account_id == ACCOUNT,
    AISession.created_at >= bindparam("low", type_=DateTime(timezone=True)),
    AISession.created_at < bindparam("high", type_=DateTime(timezone=True)),
)


@cache
def active_by_facts(given: frozenset[str]) -> Prepared:
    """Different sessions with a matching message, a day."""
    seen = (
        select(FACTS.columns["day"].label("day"), Message.session_id)
        .where(Message.account_id == ACCOUNT, *WITHIN, *FACTS.matching(given))
        .distinct()
        .subquery()
    )
    return Prepared(select(seen.c.day, func.count()).group_by(seen.c.day))


@cache
def created_by_facts(given: frozenset[str]) -> Prepared:
    """By member: sessions created in a stretch, with a message in it of the agents and models asked for."""
    created = select(AISession.user_id, func.count()).where(*CREATED_WITHIN).group_by(AISession.user_id)
    if "user" in given:
        created = created.where(AISession.user_id == any_(bindparam("user", type_=ARRAY(Uuid()))))
    if given & {"agent", "model"}:
        seen = select(Message.session_id).where(Message.account_id == ACCOUNT, *WITHIN, *FACTS.matching(given))
        created = created.where(AISession.id.in_(seen))
    return Prepared(created)


async def active_sessions(tx: Tx, window: Window, filters: Filters) -> Mapping[date, int]:
    cut = window.uncut if filters.given else window.daily_cut
    found: dict[date, int] = {}
    if cut.whole:
        first, last = cut.whole
        found.update({row[0]: row[1] for row in await ACTIVE_BY_ROLLUP.all(tx, first=first, last=last)})
    for stretch in cut.stretches:
        rows = await active_by_facts(filters.given).all(tx, **bounds(stretch), **filters.values)
        found.update({stretch.days[row[0] - 1]: row[1] for row in rows})
    return found


async def created_sessions(tx: Tx, window: Window, filters: Filters) -> int:
    if filters.given:
        return sum((await created_by_member(tx, window, filters)).values())
    n = 0
    if window.cut.whole:
        first, last = window.cut.whole
        row = await CREATED_BY_ROLLUP.one(tx, first=first, last=last)
        n = row[0] if row else 0
    for stretch in window.cut.stretches:
        n += sum(row[1] for row in await created_by_facts(filters.given).all(tx, low=stretch.low, high=stretch.high))
    return n


async def created_by_member(tx: Tx, window: Window, filters: Filters) -> dict[UUID | None, int]:
    whole: dict[str, Any] = {"low": window.start, "high": window.stop}
    return {row[0]: row[1] for row in await created_by_facts(filters.given).all(tx, **whole, **filters.values)}
