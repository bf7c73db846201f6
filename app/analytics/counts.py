"""Messages counted, by rollups where they can answer, else from facts; here filters become predicates, nowhere else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, Self
from uuid import UUID

from asyncpg import Record
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Select,
    String,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.types import TypeEngine

from app.analytics.cut import Cut, Piece, by_days, by_window, entire, uncut
from app.analytics.parameters import Agents, Members, Models, ReportQuery
from app.analytics.percentiles import BUCKETS, THRESHOLDS
from app.analytics.sums import NUMBERS, Sums
from app.analytics.window import Window
from app.db.engine import Tx
from app.db.statement import Prepared
from app.facts.rollups import TIMED
from app.models.member_day import MemberDay
from app.models.message import Message
from app.models.model import Model
from app.models.subject_day import SubjectDay
from app.models.subject_week import SubjectWeek
from app.models.usage_day import UsageDay

Key = Literal["day", "agent", "model", "user", "tool"]
UNKNOWN = "unknown"
NOBODY = UUID(int=0)
NONE: ColumnElement[str] = literal_column("''")
ACCOUNT = bindparam("account", type_=Uuid())
KINDS: Mapping[str, TypeEngine[Any]] = {"agent": String(), "model": String(), "user": Uuid()}
# What is counted of tool calls.
CALL_NUMBERS = ("messages", "errors", "timed", "response_ms")


@dataclass(frozen=True)
class Filters:
    """What was asked to be seen alone."""

    values: Mapping[str, Sequence[object]]

    @classmethod
    def of(cls, asked: ReportQuery | Agents | Models | Members) -> Self:
        agents = [*getattr(asked, "agent", ())]
        if UNKNOWN in agents:
            agents.append("")
        chosen = {"agent": agents, "model": getattr(asked, "model", ()), "user": getattr(asked, "user_id", ())}
        return cls({name: list(values) for name, values in chosen.items() if values})

    @property
    def given(self) -> frozenset[str]:
        return frozenset(self.values)


EVERYTHING = Filters({})


@dataclass(frozen=True, eq=False)
class Source:
    """Where messages are counted: its columns by what they mean, its numbers in the order of NUMBERS."""

    table: type[Model]
    columns: Mapping[str, Any]
    numbers: Sequence[ColumnElement[int]]
    # Of a rollup that has the report's lines ready: which rows they are.
    lines: Sequence[ColumnElement[bool]] = ()
    # Where whole weeks of these lines stand.
    weeks: "Source | None" = None

    def matching(self, given: Iterable[str]) -> list[ColumnElement[bool]]:
        """The one builder: a filter means the same in every report, whatever it is counted from."""
        return [self.columns[name] == any_(bindparam(name, type_=ARRAY(KINDS[name]))) for name in sorted(given)]

    def population(self, key: Key) -> Sequence[ColumnElement[bool]]:
        """Reports of agents are of what they answered, those of models of whatever names one."""
        match key:
            case _ if self.lines:
                return self.lines
            case "agent":
                return [self.columns["role"] == "assistant"]
            case "model":
                return [self.columns["model"] != ""]
            case _:
                return []


def rollup(table: type[Model], **columns: Any) -> Source:
    c = table.__table__.c
    return Source(table, {"day": c.day, **columns}, [total(c[name]) for name in NUMBERS])


def lines(table: type[SubjectDay | SubjectWeek], subject: str, /, **columns: Any) -> Source:
    """A row for each line of a report. The subject is written out: with it, the plan is the same for all."""
    return replace(rollup(table, **columns), lines=[table.subject == literal_column(f"'{subject}'")])


def timed(subject: str) -> Source:
    """Lines with histograms."""
    days, weeks = (lines(table, subject, **{subject: table.name}) for table in (SubjectDay, SubjectWeek))
    return replace(days, weeks=weeks)


def total(column: Any) -> ColumnElement[int]:
    """A sum of bigint is numeric, a Decimal in Python; of nothing it is null."""
    return cast(func.coalesce(func.sum(column), literal_column("0")), BigInteger)


USAGE = rollup(UsageDay, agent=UsageDay.agent_name, model=UsageDay.model_id, role=UsageDay.role)
MEMBER = rollup(MemberDay, user=MemberDay.user_id, model=MemberDay.model_id)
MOMENT = DateTime(timezone=True)
# Pieces of time, numbered from one.
PIECES = (
    func.unnest(bindparam("lows", type_=ARRAY(MOMENT)), bindparam("highs", type_=ARRAY(MOMENT)))
    .table_valued(column("low", MOMENT), column("high", MOMENT), with_ordinality="n", name="piece")
    .render_derived()
)
FACTS = Source(
    Message,
    {
        "agent": func.coalesce(Message.agent_name, NONE),
        "model": func.coalesce(Message.model_id, NONE),
        "user": func.coalesce(Message.user_id, literal_column(f"'{NOBODY}'::uuid")),
        "role": Message.role,
    },
    [
        func.count(),
        func.count().filter(Message.is_error),
        *map(
            total,
            (Message.input_tokens, Message.output_tokens, Message.cache_read_tokens, Message.cache_creation_tokens),
        ),
        func.count(Message.response_time_ms),
        total(Message.response_time_ms),
        total(Message.cost_micros),
        func.count() - func.count(Message.cost_micros),
    ],
)
# By what is counted: the rollups that can answer, and the filters they can.
ROLLUPS: Mapping[Key, Sequence[tuple[Source, frozenset[str]]]] = {
    "day": [
        (lines(SubjectDay, "account"), frozenset()),
        (USAGE, frozenset({"agent", "model"})),
        (MEMBER, frozenset({"user", "model"})),
    ],
    "agent": [(timed("agent"), frozenset({"agent"}))],
    "model": [(timed("model"), frozenset({"model"}))],
    "user": [
        (lines(SubjectDay, "member", user=cast(func.nullif(SubjectDay.name, NONE), Uuid)), frozenset({"user"})),
        (MEMBER, frozenset({"user", "model"})),
    ],
    "tool": [(timed("tool"), frozenset())],
}
SLOT = func.width_bucket(
    cast(Message.response_time_ms, Double), bindparam("thresholds", THRESHOLDS, type_=ARRAY(Double()))
)
WITHIN = Message.created_at >= bindparam("low", type_=MOMENT), Message.created_at < bindparam("high", type_=MOMENT)
IN_PIECE = Message.created_at >= PIECES.c.low, Message.created_at < PIECES.c.high


def source_of(key: Key, filters: Filters) -> Source | None:
    """The rollup that can answer, if one can."""
    return next((source for source, known in ROLLUPS[key] if filters.given <= known), None)


@cache
def by_rollup(source: Source, key: Key, given: frozenset[str]) -> Prepared:
    named, day = source.columns[key], source.columns["day"]
    return Prepared(
        select(named, *source.numbers)
        .where(source.table.__table__.c.account_id == ACCOUNT, day.between(bindparam("first"), bindparam("last")))
        .where(*source.population(key), *source.matching(given))
        .group_by(named)
    )


@cache
def by_weeks(source: Source, key: Key, given: frozenset[str]) -> Prepared:
    """Of lines with histograms: to add these up is what takes time, so there should be few."""
    counted = CALL_NUMBERS if key == "tool" else NUMBERS

    def rows(of: Source, *when: ColumnElement[bool]) -> Select[Any]:
        c = of.table.__table__.c
        chosen = select(c.name, c.histogram, *(c[number] for number in counted))
        return chosen.where(c.account_id == ACCOUNT, *of.population(key), *when, *of.matching(given))

    weeks = source.weeks or source
    week, day = weeks.columns["day"], source.columns["day"]
    added = union_all(
        rows(weeks, week >= bindparam("first"), week < bindparam("stop")),
        rows(source, day == any_(bindparam("days", type_=ARRAY(Date())))),
    ).subquery("added")
    c = added.c
    sums = [total(c[name]) if name in counted else literal_column("0") for name in NUMBERS]
    return Prepared(select(c.name, func.numeric_send(func.sum(c.histogram)), *sums).group_by(c.name))


@cache
def by_facts(key: Key, given: frozenset[str]) -> Prepared:
    """By piece, by key, and where times matter by bucket.

    Each piece is summed by itself: joined freely, the planner would rather read the whole table once.
    """
    names: list[Any] = [] if key == "day" else [FACTS.columns[key]]
    slots: list[Any] = [SLOT] if key in TIMED else []
    inner = (
        select(*(names or [null()]), *(slots or [null()]), *FACTS.numbers)
        .where(Message.account_id == ACCOUNT, *IN_PIECE, *FACTS.population(key), *FACTS.matching(given))
        .group_by(*names, *slots)
        .correlate(PIECES)
        .lateral()
    )
    return Prepared(select(PIECES.c.n, *inner.c).join_from(PIECES, inner, true()))


async def count(tx: Tx, window: Window, filters: Filters, key: Key) -> dict[Any, Sums]:
    """Every line of a report, by day, agent, model or member; the last three by what answers call them."""
    source = source_of(key, filters)
    known, unknown = (by_days, uncut) if key == "day" else (by_window, entire)
    cut = known(window) if source else unknown(window)
    found = await count_whole_days(tx, cut, filters, key)
    pieces = cut.pieces if key == "day" else [piece for piece, _ in cut.signed]
    if pieces:
        rows = await by_facts(key, filters.given).all(tx, **spans(pieces), **filters.values)
        add_days(found, cut, rows) if key == "day" else add_names(found, cut, rows)
    return {name: sums for name, sums in found.items() if sums.messages}


async def count_whole_days(tx: Tx, cut: Cut, filters: Filters, key: Key) -> defaultdict[Any, Sums]:
    """What rollups say of the days they are read for."""
    found: defaultdict[Any, Sums] = defaultdict(Sums)
    source = source_of(key, filters)
    if source and cut.whole:
        first, last = cut.whole
        statement, days = (by_weeks, cut.weeks) if source.weeks else (by_rollup, {"first": first, "last": last})
        for row in await statement(source, key, filters.given).all(tx, **days, **filters.values):
            sums = found[cut.rest[row[0]] if key == "day" else label(row[0])]
            sums.add(row[-len(NUMBERS) :])
            if key in TIMED:
                sums.histogram.add_sent(row[1])
    return found


def columns(rows: Sequence[Any], width: int) -> list[list[Any]]:
    """Of rows of any kind."""
    return [[row[i] for row in rows] for i in range(width)]


def spans(pieces: Sequence[Piece]) -> dict[str, object]:
    return {"lows": [piece.low for piece in pieces], "highs": [piece.high for piece in pieces]}


def add_days(found: defaultdict[Any, Sums], cut: Cut, rows: Iterable[Record]) -> None:
    """What a piece holds is its own day's, and not that of the rest of the day it was cut from."""
    for row in rows:
        piece = cut.pieces[row[0] - 1]
        if piece.day:
            found[piece.day].add(row[3:])
        if piece.home:
            found[cut.rest[piece.home]].add([-number for number in row[3:]])


def add_names(found: defaultdict[Any, Sums], cut: Cut, rows: Iterable[Record]) -> None:
    for row in rows:
        _, sign = cut.signed[row[0] - 1]
        sums = found[label(row[1])]
        sums.add([sign * number for number in row[3:]])
        if row[2] is not None:
            sums.histogram.add(BUCKETS[row[2]], sign * row[3])


def label(value: Any) -> Any:
    """Rollups and facts keep '' and the nil id for none."""
    return UNKNOWN if value == "" else None if value == NOBODY else value
