"""Messages counted, by rollups where they can answer, else from facts; here filters become predicates, nowhere else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self
from uuid import UUID

from asyncpg import Record
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    String,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy.types import TypeEngine

from app.analytics.parameters import Agents, Members, Models, ReportQuery
from app.analytics.percentiles import BUCKETS, THRESHOLDS
from app.analytics.sums import NUMBERS, Sums
from app.analytics.window import Stretch, Window
from app.db.engine import Tx
from app.db.statement import Prepared
from app.models.latency_day import LatencyDay
from app.models.member_day import MemberDay
from app.models.message import Message
from app.models.model import Model
from app.models.usage_day import UsageDay

Key = Literal["day", "agent", "model", "user"]
UNKNOWN = "unknown"
NOBODY = UUID(int=0)
NONE: ColumnElement[str] = literal_column("''")
ACCOUNT = bindparam("account", type_=Uuid())
KINDS: Mapping[str, TypeEngine[Any]] = {"agent": String(), "model": String(), "user": Uuid()}
# Reports of agents are of what they answered, those of models of whatever names one.
TIMED = ("agent", "model")


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


@dataclass(frozen=True, eq=False)
class Source:
    """Where messages are counted: its columns by what they mean, its numbers in the order of NUMBERS."""

    table: type[Model]
    columns: Mapping[str, Any]
    numbers: Sequence[ColumnElement[int]]

    def matching(self, given: Iterable[str]) -> list[ColumnElement[bool]]:
        """The one builder: a filter means the same in every report, whatever it is counted from."""
        return [self.columns[name] == any_(bindparam(name, type_=ARRAY(KINDS[name]))) for name in sorted(given)]

    def population(self, key: Key) -> list[ColumnElement[bool]]:
        match key:
            case "agent":
                return [self.columns["role"] == "assistant"]
            case "model":
                return [self.columns["model"] != ""]
            case _:
                return []


def rollup(table: type[Model], **columns: Any) -> Source:
    c = table.__table__.c
    return Source(table, {"day": c.day, **columns}, [total(c[name]) for name in NUMBERS])


def total(column: Any) -> ColumnElement[int]:
    """A sum of bigint is numeric, a Decimal in Python; of nothing it is null."""
    return cast(func.coalesce(func.sum(column), literal_column("0")), BigInteger)


USAGE = rollup(UsageDay, agent=UsageDay.agent_name, model=UsageDay.model_id, role=UsageDay.role)
MEMBER = rollup(MemberDay, user=MemberDay.user_id, model=MemberDay.model_id)
STARTS = bindparam("starts", type_=ARRAY(DateTime(timezone=True)))
FACTS = Source(
    Message,
    {
        "day": func.width_bucket(Message.created_at, STARTS),
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
    "day": [(USAGE, frozenset({"agent", "model"})), (MEMBER, frozenset({"user", "model"}))],
    "agent": [(USAGE, frozenset({"agent"}))],
    "model": [(USAGE, frozenset({"model"}))],
    "user": [(MEMBER, frozenset({"user", "model"}))],
}
SLOT = func.width_bucket(
    cast(Message.response_time_ms, Double), bindparam("thresholds", THRESHOLDS, type_=ARRAY(Double()))
)
WITHIN = (
    Message.created_at >= bindparam("low", type_=DateTime(timezone=True)),
    Message.created_at < bindparam("high", type_=DateTime(timezone=True)),
)


def source_of(key: Key, filters: Filters) -> Source | None:
    """The rollup that can answer, if one can."""
    return next((source for source, known in ROLLUPS[key] if filters.given <= known), None)


@cache
def by_rollup(source: Source, key: Key, given: frozenset[str]) -> Prepared:
    column = source.columns[key]
    day = source.columns["day"]
    return Prepared(
        select(column, null(), *source.numbers)
        .where(source.table.__table__.c.account_id == ACCOUNT, day.between(bindparam("first"), bindparam("last")))
        .where(*source.population(key), *source.matching(given))
        .group_by(column)
    )


@cache
def by_facts(key: Key, given: frozenset[str]) -> Prepared:
    keys = [FACTS.columns[key], *([SLOT] if key in TIMED else [])]
    return Prepared(
        select(*keys, *([] if key in TIMED else [null()]), *FACTS.numbers)
        .where(Message.account_id == ACCOUNT, *WITHIN, *FACTS.population(key), *FACTS.matching(given))
        .group_by(*keys)
    )


LATENCIES = Prepared(
    select(LatencyDay.name, func.array_send(LatencyDay.histogram)).where(
        LatencyDay.account_id == ACCOUNT,
        LatencyDay.day.between(bindparam("first"), bindparam("last")),
        LatencyDay.subject == bindparam("subject"),
    )
)


async def count(tx: Tx, window: Window, filters: Filters, key: Key) -> dict[Any, Sums]:
    """Every line of a report, by day, agent, model or member; the last three by what answers call them."""
    found: defaultdict[Any, Sums] = defaultdict(Sums)
    source = source_of(key, filters)
    cut = window.uncut if source is None else window.daily_cut if key == "day" else window.cut
    if source and cut.whole:
        first, last = cut.whole
        rows = await by_rollup(source, key, filters.given).all(tx, first=first, last=last, **filters.values)
        add(found, rows, label)
        if key in TIMED:
            for row in await LATENCIES.all(tx, subject=key, first=first, last=last):
                found[label(row[0])].histogram.add_sent(row[1])
    for stretch in cut.stretches:
        rows = await by_facts(key, filters.given).all(tx, **bounds(stretch), **filters.values)
        add(found, rows, lambda value, days=stretch.days: days[value - 1] if key == "day" else label(value))
    return {name: sums for name, sums in found.items() if sums.messages}


def bounds(stretch: Stretch) -> dict[str, object]:
    return {"low": stretch.low, "high": stretch.high, "starts": stretch.starts}


def add(found: defaultdict[Any, Sums], rows: Iterable[Record], name: Any) -> None:
    for row in rows:
        sums = found[name(row[0])]
        sums.add(row[2:])
        if row[1] is not None:
            sums.histogram.add(BUCKETS[row[1]], row[2])


def label(value: Any) -> Any:
    """Rollups and facts keep '' and the nil id for none."""
    return UNKNOWN if value == "" else None if value == NOBODY else value
