"""Where messages are counted: the facts and their rollups. Here filters become predicates, nowhere else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    String,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
)
from sqlalchemy.types import TypeEngine

from app.analytics.parameters import Agents, Members, Models, ReportQuery
from app.analytics.sums import NUMBERS
from app.models.account_hour import AccountHour
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

    @property
    def in_piece(self) -> Sequence[ColumnElement[bool]]:
        """Of the account, and of a piece of time."""
        at = self.columns["at"]
        return [self.table.__table__.c.account_id == ACCOUNT, at >= PIECES.c.low, at < PIECES.c.high]

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
    return Source(table, {**columns, "day": c.day} if "day" in c else columns, [total(c[name]) for name in NUMBERS])


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
# Of the account as a whole.
HOURS = rollup(AccountHour, at=AccountHour.hour)
FACTS = Source(
    Message,
    {
        "at": Message.created_at,
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
WITHIN = Message.created_at >= bindparam("low", type_=MOMENT), Message.created_at < bindparam("high", type_=MOMENT)


def source_of(key: Key, filters: Filters) -> Source | None:
    """The rollup that can answer, if one can."""
    return next((source for source, known in ROLLUPS[key] if filters.given <= known), None)
