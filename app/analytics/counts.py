"""Messages counted: by rollups where they can answer, else from facts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from asyncpg import Record
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Double,
    Select,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)

from app.analytics.cut import Cut, Piece, by_days, by_hours, by_window, entire, uncut
from app.analytics.percentiles import BUCKETS, THRESHOLDS
from app.analytics.sources import (
    ACCOUNT,
    CALL_NUMBERS,
    FACTS,
    HOURS,
    NOBODY,
    PIECES,
    UNKNOWN,
    Filters,
    Key,
    Source,
    source_of,
    total,
)
from app.analytics.sums import NUMBERS, Sums
from app.analytics.window import Window
from app.db.engine import Tx
from app.db.statement import Prepared
from app.facts.rollups import TIMED
from app.models.message import Message

SLOT = func.width_bucket(
    cast(Message.response_time_ms, Double), bindparam("thresholds", THRESHOLDS, type_=ARRAY(Double()))
)


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
def by_pieces(source: Source, key: Key, given: frozenset[str]) -> Prepared:
    """By piece, by key, and where times matter by bucket.

    Each piece is summed by itself: joined freely, the planner would rather read the whole table once.
    """
    names: list[Any] = [] if key == "day" else [source.columns[key]]
    slots: list[Any] = [SLOT] if key in TIMED else []
    inner = (
        select(*(names or [null()]), *(slots or [null()]), *source.numbers)
        .where(*source.in_piece, *source.population(key), *source.matching(given))
        .group_by(*names, *slots)
        .correlate(PIECES)
        .lateral()
    )
    return Prepared(select(PIECES.c.n, *inner.c).join_from(PIECES, inner, true()))


async def count(tx: Tx, window: Window, filters: Filters, key: Key) -> dict[Any, Sums]:
    """Every line of a report, by day, agent, model or member; the last three by what answers call them."""
    cut = cut_for(window, filters, key)
    found = await count_whole_days(tx, cut, filters, key)
    if cut.hours:
        add_days(found, cut.hours, await by_pieces(HOURS, key, filters.given).all(tx, **spans(cut.hours)))
    pieces = cut.pieces if key == "day" else [piece for piece, _ in cut.signed]
    if pieces:
        rows = await by_pieces(FACTS, key, filters.given).all(tx, **spans(pieces), **filters.values)
        add_days(found, pieces, rows) if key == "day" else add_names(found, cut, rows)
    return {name: sums for name, sums in found.items() if sums.messages}


def cut_for(window: Window, filters: Filters, key: Key) -> Cut:
    """So that as little as possible is counted."""
    if not source_of(key, filters):
        return uncut(window) if key == "day" else entire(window)
    if key != "day":
        return by_window(window)
    return by_days(window) if filters.given else by_hours(window)


async def count_whole_days(tx: Tx, cut: Cut, filters: Filters, key: Key) -> defaultdict[Any, Sums]:
    """What rollups say of the days they are read for."""
    found: defaultdict[Any, Sums] = defaultdict(Sums)
    source = source_of(key, filters)
    if source and cut.whole:
        first, last = cut.whole
        statement, days = (by_weeks, cut.weeks) if source.weeks else (by_rollup, {"first": first, "last": last})
        for row in await statement(source, key, filters.given).all(tx, **days, **filters.values):
            if key == "day" and row[0] not in cut.rest:
                continue
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


def add_days(found: defaultdict[Any, Sums], pieces: Sequence[Piece], rows: Iterable[Record]) -> None:
    """What a piece holds is its own day's, and not that of the day it is in by the rollups."""
    for row in rows:
        piece = pieces[row[0] - 1]
        if piece.day:
            found[piece.day].add(row[3:])
        if piece.off:
            found[piece.off].add([-number for number in row[3:]])


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
