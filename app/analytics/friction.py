"""GET /api/v1/analytics/friction: where agents and people got into each other's way, as session logs tell."""

from collections.abc import Sequence
from functools import cache, partial, reduce
from operator import add
from typing import Annotated, Any
from uuid import UUID

from asyncpg import Record
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, ColumnElement, Integer, and_, cast, exists, func, select
from sqlalchemy.orm import aliased
from starlette.responses import Response

from app.analytics.folding import veiled
from app.analytics.parameters import Members, WindowQuery
from app.analytics.reports import ANSWERS, Asked, Dated, routes
from app.analytics.sessions import UPDATED_WITHIN, matching
from app.analytics.sources import ACCOUNT, Filters
from app.analytics.window import Window
from app.auth.caller import CallerTx, EngineerTx
from app.db.statement import Prepared
from app.models.ai_session import AISession
from app.models.transcript_signal import TranscriptSignal
from app.web.schema import Instant

router = routes()
MOST_SESSIONS = 100
# What goes wrong, and what is merely good to know beside it.
WRONG = ("interruptions", "rejected_tools", "api_errors", "retries")
KINDS = (*WRONG, "compactions", "commands", "skills", "sub_agents")
SHOWN = ("external_id", "user_id", "workspace", "created_at", "updated_at")


class FrictionQuery(Members, WindowQuery):
    """What a log counts names no agent and no model, so these cannot be asked for."""


class FrictionCounts(BaseModel):
    friction: int = Field(description="interruptions + rejected_tools + api_errors + retries.")
    interruptions: int = Field(description="A person stopped the agent.")
    rejected_tools: int = Field(description="A person refused a tool call.")
    api_errors: int = Field(description="A call of the model failed for good.")
    retries: int = Field(description="A call of the model was tried again.")
    compactions: int = Field(description="The conversation was shortened to fit.")
    commands: int = Field(description="Commands that a person gave, such as /compact.")
    skills: int
    sub_agents: int


class SessionFriction(FrictionCounts):
    session_id: UUID
    external_id: str | None = Field(description="The producer's own id.")
    user_id: UUID | None
    workspace: str | None
    created_at: Instant
    updated_at: Instant


class FrictionTotals(FrictionCounts):
    sessions: int = Field(description="Sessions of which a log counts anything at all.")


class FrictionReport(Dated):
    totals: FrictionTotals
    sessions: list[SessionFriction] = Field(description="Most friction first, then latest; at most 100.")


@router.get("/friction", response_model=FrictionReport, responses=ANSWERS)
async def read_friction(tx: EngineerTx, asking: Asked, asked: Annotated[FrictionQuery, Query()]) -> Response:
    """Sessions last updated in the window: how often each was interrupted, refused, retried, over its whole life.

    Counted from session logs that were pushed or uploaded; what several logs tell, as after a session was resumed,
    counts once, for the smaller session id.
    """
    window = asking.window(tx, asked)
    return await asking.answer_anew(tx, window, partial(friction, tx, window, asked))


async def friction(tx: CallerTx, window: Window, asked: FrictionQuery) -> dict[str, Any]:
    filters = Filters.of(asked)
    rows = await by_session(filters.given).all(tx, low=window.start, high=window.stop, **filters.values)
    counted = {name: rows[0][f"all_{name}"] if rows else 0 for name in ("sessions", "friction", *KINDS)}
    return {"totals": counted, "sessions": [veiled(tx.caller, line(row)) for row in rows]}


def line(row: Record) -> dict[str, Any]:
    return {name: row[name] for name in ("session_id", *SHOWN, "friction", *KINDS)}


@cache
def by_session(given: frozenset[str]) -> Prepared:
    """With the sums over all sessions on every row."""
    told = (
        select(TranscriptSignal.session_id, TranscriptSignal.name, TranscriptSignal.id)
        .join(AISession, and_(AISession.account_id == ACCOUNT, AISession.id == TranscriptSignal.session_id))
        .where(TranscriptSignal.account_id == ACCOUNT, *UPDATED_WITHIN, *matching(given), ~told_before())
        .distinct()
        .subquery()
    )
    sums = (
        select(
            told.c.session_id, *(cast(func.count().filter(told.c.name == name), Integer).label(name) for name in KINDS)
        )
        .group_by(told.c.session_id)
        .subquery()
    )
    wrong, anything = added(sums.c, WRONG), added(sums.c, KINDS) > 0
    alls = {"friction": wrong} | {name: sums.c[name] for name in KINDS}
    return Prepared(
        select(
            sums,
            wrong.label("friction"),
            *(AISession.__table__.c[name] for name in SHOWN),
            *(cast(func.sum(each).over(), BigInteger).label(f"all_{name}") for name, each in alls.items()),
            func.count().over().label("all_sessions"),
        )
        .join(AISession, and_(AISession.account_id == ACCOUNT, AISession.id == sums.c.session_id, anything))
        .order_by(wrong.desc(), AISession.updated_at.desc(), AISession.id.desc())
        .limit(MOST_SESSIONS)
    )


def told_before() -> ColumnElement[bool]:
    """Whether the signal is a smaller session's, as a call is: the log of a resumed session repeats its lines."""
    signal, session = aliased(TranscriptSignal), aliased(AISession)
    return exists().where(
        signal.account_id == ACCOUNT,
        signal.id == TranscriptSignal.id,
        signal.session_id != TranscriptSignal.session_id,
        session.account_id == ACCOUNT,
        session.id == signal.session_id,
        session.external_id < AISession.external_id,
    )


def added(columns: Any, names: Sequence[str]) -> ColumnElement[int]:
    return reduce(add, (columns[name] for name in names))
