"""Sessions counted: those created in a window, those updated in one last, and those with a message on a day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    Subquery,
    Uuid,
    any_,
    bindparam,
    cast,
    distinct,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)

from app.analytics.counts import columns, spans
from app.analytics.cut import Cut, by_hours, by_window, entire, uncut
from app.analytics.sources import ACCOUNT, FACTS, NONE, PIECES, WITHIN, Filters, total
from app.analytics.window import Window
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.ai_session import AISession
from app.models.message import Message
from app.models.session_day import SessionDay
from app.models.subject_day import SubjectDay

WHOLE_DAYS = SubjectDay.account_id == ACCOUNT, SubjectDay.day.between(bindparam("first"), bindparam("last"))
OF_ACCOUNT = SubjectDay.subject == literal_column("'account'")
# Filters that a session does not answer by itself.
OF_MESSAGES = frozenset({"agent", "model"})
OF_MEMBERS = SubjectDay.subject == literal_column("'member'")
MEMBER = cast(func.nullif(SubjectDay.name, NONE), Uuid)
OF_THESE = AISession.user_id == any_(bindparam("user", type_=ARRAY(Uuid())))
CREATED_BY_ROLLUP = Prepared(select(null(), total(SubjectDay.sessions_created)).where(*WHOLE_DAYS, OF_ACCOUNT))
ACTIVE_BY_ROLLUP = Prepared(select(SubjectDay.day, SubjectDay.sessions_active).where(*WHOLE_DAYS, OF_ACCOUNT))
ACTIVE_OF_MEMBERS = Prepared(
    select(SessionDay.day, func.count())
    .join_from(SessionDay, AISession, AISession.id == SessionDay.session_id)
    .where(SessionDay.account_id == ACCOUNT, SessionDay.day.between(bindparam("first"), bindparam("last")))
    .where(SessionDay.messages > literal_column("0"), AISession.account_id == ACCOUNT, OF_THESE)
    .group_by(SessionDay.day)
)
UPDATED_BY_ROLLUP = Prepared(select(total(SubjectDay.sessions_updated)).where(*WHOLE_DAYS, OF_ACCOUNT))


LOW, HIGH = (bindparam(name, type_=DateTime(timezone=True)) for name in ("low", "high"))


def within(moment: Any) -> Sequence[ColumnElement[bool]]:
    return AISession.account_id == ACCOUNT, moment >= LOW, moment < HIGH


UPDATED_BY_FACTS = Prepared(select(func.count()).select_from(AISession).where(*within(AISession.updated_at)))


# What comes next is planned for this account: a plan for any at all may take another index for as good as the key, and
# look through all sessions of a large account for each.
PLANNED = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"


@cache
def active_by_facts(given: frozenset[str]) -> Prepared:
    """Different sessions with a matching message, a piece."""
    inner = (
        select(func.count(distinct(Message.session_id)))
        .where(*FACTS.in_piece, *FACTS.matching(given))
        .correlate(PIECES)
        .lateral()
    )
    return Prepared(select(PIECES.c.n, *inner.c).join_from(PIECES, inner, true()))


@cache
def with_matching_messages(given: frozenset[str]) -> Prepared:
    """Different sessions with a matching message, a piece; and as piece 0, those of them created in a stretch."""
    inner = (
        select(Message.session_id).distinct().where(*FACTS.in_piece, *FACTS.matching(given)).correlate(PIECES).lateral()
    )
    seen = select(PIECES.c.n, inner.c.session_id).join_from(PIECES, inner, true()).cte("seen")
    session = select(seen.c.session_id).distinct().subquery("session")
    created = select(literal_column("0", Integer), func.count()).select_from(created_of(session))
    return Prepared(union_all(select(seen.c.n, func.count()).group_by(seen.c.n), created))


def created_of(session: Subquery) -> Subquery:
    """Those of the sessions that were created in the stretch; looked up one by one, by nothing but their key."""
    one = (
        select(AISession.user_id, AISession.created_at)
        .where(AISession.account_id == ACCOUNT, AISession.id == session.c.session_id)
        .limit(literal_column("1"))
        .correlate(session)
        .lateral("one")
    )
    found = select(one.c.user_id).join_from(session, one, true())
    return found.where(one.c.created_at >= LOW, one.c.created_at < HIGH).subquery("created")


# A session was active on a day on which it has messages left, when those of the pieces are added and taken off.
IN_PARTS = """
    SELECT day, count(*) FROM (
        SELECT day, session_id FROM (
            SELECT s.day, h.session_id, h.messages::integer AS n
            FROM unnest($2::timestamptz[], $3::timestamptz[], $4::date[]) AS s (low, high, day)
            CROSS JOIN LATERAL (
                SELECT session_id, messages FROM session_hours
                WHERE account_id = $1 AND hour >= s.low AND hour < s.high OFFSET 0
            ) AS h
            UNION ALL
            SELECT d.day, m.session_id, d.sign * m.n::integer
            FROM unnest($5::timestamptz[], $6::timestamptz[], $7::date[], $8::date[]) AS p (low, high, day, off)
            CROSS JOIN LATERAL (
                SELECT session_id, count(*) AS n FROM messages
                WHERE account_id = $1 AND created_at >= p.low AND created_at < p.high GROUP BY session_id
            ) AS m
            CROSS JOIN LATERAL (VALUES (p.day, 1), (p.off, -1)) AS d (day, sign)
        ) AS said {whose} GROUP BY day, session_id HAVING sum(n) > 0
    ) AS active WHERE day IS NOT NULL GROUP BY day
"""
ACTIVE_IN_PARTS = IN_PARTS.format(whose="")
ACTIVE_IN_PARTS_OF_MEMBERS = IN_PARTS.format(
    whose="WHERE session_id IN (SELECT id FROM ai_sessions WHERE account_id = $1 AND user_id = ANY ($9))"
)


@cache
def created_by_facts(given: frozenset[str]) -> Prepared:
    """By member: sessions created in a stretch, with a message in it of the agents and models asked for."""
    if given & OF_MESSAGES:
        matching = Message.account_id == ACCOUNT, *WITHIN, *FACTS.matching(given)
        session = select(Message.session_id).distinct().where(*matching).subquery("session")
        user = created_of(session).c.user_id
        return Prepared(select(user, func.count()).group_by(user))
    created = select(AISession.user_id, func.count()).where(*within(AISession.created_at)).group_by(AISession.user_id)
    if "user" in given:
        created = created.where(OF_THESE)
    return Prepared(created)


async def active_and_created(tx: Tx, window: Window, filters: Filters) -> tuple[Mapping[date, int], int]:
    """Sessions by reported day, and those created in the window; where only facts can tell, these are read once."""
    if not filters.given & OF_MESSAGES:
        return await active_sessions(tx, window, filters), await created_sessions(tx, window, filters)
    pieces = uncut(window).pieces
    values: dict[str, Any] = {**spans(pieces), "low": window.start, "high": window.stop, **filters.values}
    await tx.driver.fetchval(PLANNED)
    rows = await with_matching_messages(filters.given).all(tx, **values)
    found = {pieces[row[0] - 1].day: row[1] for row in rows if row[0]}
    return {day: n for day, n in found.items() if day}, sum(row[1] for row in rows if not row[0])


async def active_sessions(tx: Tx, window: Window, filters: Filters) -> Mapping[date, int]:
    """By reported day. Whose a session is it says itself; of which agents and models it is, only its messages."""
    if filters.given & OF_MESSAGES:
        pieces = uncut(window).pieces
        rows = await active_by_facts(filters.given).all(tx, **spans(pieces), **filters.values)
        return {day: row[1] for row in rows if (day := pieces[row[0] - 1].day)}
    cut = by_hours(window)
    found: dict[date, int] = {}
    if cut.whole:
        first, last = cut.whole
        statement = ACTIVE_OF_MEMBERS if filters.given else ACTIVE_BY_ROLLUP
        rows = await statement.all(tx, first=first, last=last, **filters.values)
        found = {cut.rest[row[0]]: row[1] for row in rows if row[0] in cut.rest}
    return {**found, **await active_in_parts(tx, cut, filters)} if cut.hours or cut.pieces else found


async def active_in_parts(tx: Tx, cut: Cut, filters: Filters) -> dict[date, int]:
    """Of the reported days that are not just one of the account's."""
    hours = [(stretch.low, stretch.high, stretch.day) for stretch in cut.hours]
    pieces = [(piece.low, piece.high, piece.day, piece.off) for piece in cut.pieces]
    members = [filters.values["user"]] if filters.given else []
    statement = ACTIVE_IN_PARTS_OF_MEMBERS if members else ACTIVE_IN_PARTS
    rows = await tx.driver.fetch(statement, tx.account, *columns(hours, 3), *columns(pieces, 4), *members)
    return {row[0]: row[1] for row in rows}


@cache
def created_by_rollup(given: frozenset[str]) -> Prepared:
    sums = select(MEMBER, total(SubjectDay.sessions_created)).where(*WHOLE_DAYS, OF_MEMBERS).group_by(MEMBER)
    if "user" in given:
        sums = sums.where(any_(bindparam("user", type_=ARRAY(Uuid()))) == MEMBER)
    return Prepared(sums)


async def created_sessions(tx: Tx, window: Window, filters: Filters) -> int:
    statement = created_by_rollup(filters.given) if filters.given else CREATED_BY_ROLLUP
    return sum((await created(tx, window, filters, statement)).values())


async def updated_sessions(tx: Tx, window: Window) -> int:
    """Those whose last update is in the window."""
    cut, found = by_window(window), 0
    if cut.whole:
        first, last = cut.whole
        found += sum(row[0] for row in await UPDATED_BY_ROLLUP.all(tx, first=first, last=last))
    for piece, sign in cut.signed:
        found += sign * sum(row[0] for row in await UPDATED_BY_FACTS.all(tx, low=piece.low, high=piece.high))
    return found


async def created_by_member(tx: Tx, window: Window, filters: Filters) -> dict[UUID | None, int]:
    return await created(tx, window, filters, created_by_rollup(filters.given))


async def created(tx: Tx, window: Window, filters: Filters, by_rollup: Prepared) -> dict[UUID | None, int]:
    """A session names no agent or model: those of one are told by its messages, and no rollup knows them."""
    cut = entire(window) if filters.given & OF_MESSAGES else by_window(window)
    found: Counter[UUID | None] = Counter()
    if cut.whole:
        first, last = cut.whole
        rows = await by_rollup.all(tx, first=first, last=last, **filters.values)
        found.update({row[0]: row[1] for row in rows})
    if filters.given & OF_MESSAGES:
        await tx.driver.fetchval(PLANNED)
    for piece, sign in cut.signed:
        values: dict[str, Any] = {"low": piece.low, "high": piece.high, **filters.values}
        rows = await created_by_facts(filters.given).all(tx, **values)
        found.update({row[0]: sign * row[1] for row in rows})
    return {user: n for user, n in found.items() if n}
