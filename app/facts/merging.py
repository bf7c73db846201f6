"""How two reports of one fact become one, the same in any order and any number of times.

Each rule says one thing twice: as SQL for the upsert, as Python for duplicates inside a batch. Every rule is the join
of a semilattice: commutative, associative, idempotent. A test holds the two forms against each other.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

Values = tuple[Any, ...]
UNRANKED = 2**31


@dataclass(frozen=True)
class Rule:
    """Decides some columns of a row: `sql` gives their merged expressions, `fold` their merged values."""

    columns: Sequence[str]
    sql: Callable[[], Sequence[str]]
    fold: Callable[[Values, Values], Values]


def each(template: str, choose: Callable[[Any, Any], Any], *names: str) -> list[Rule]:
    """A rule for single columns; null never overwrites a value."""

    def fold(old: Values, new: Values) -> Values:
        return new if old[0] is None else old if new[0] is None else (choose(old[0], new[0]),)

    def rule(name: str) -> Rule:
        return Rule([name], lambda: [template.format(f"f.{name}", f"excluded.{name}")], fold)

    return [rule(name) for name in names]


def earliest(*names: str) -> list[Rule]:
    return each("LEAST({0}, {1})", min, *names)


def largest(*names: str) -> list[Rule]:
    """Counts and ends replace, never add: the larger is the later report."""
    return each("GREATEST({0}, {1})", max, *names)


def sticky(*names: str) -> list[Rule]:
    return each("({0} OR {1})", lambda old, new: old or new, *names)


def last_in_alphabet(*names: str) -> list[Rule]:
    """Names do not say which is newer; by code point, as Python compares."""
    return each('GREATEST({0} COLLATE "C", {1} COLLATE "C")', max, *names)


def furthest(name: str, *states: str) -> list[Rule]:
    """A state never falls back to one named before it."""
    ranks = "ARRAY[" + ", ".join(f"'{state}'" for state in states) + "]"
    ahead = f"array_position({ranks}, {{1}}::text) > array_position({ranks}, {{0}}::text)"
    return each(f"CASE WHEN {ahead} THEN {{1}} ELSE {{0}} END", lambda a, b: max(a, b, key=states.index), name)


def together(wins: str, beats: Callable[[Values, Values], bool], *names: str) -> Rule:
    """Columns that make sense only together: all are the new row's when it wins, else all stay."""
    return Rule(
        names,
        lambda: [f"CASE WHEN {wins} THEN excluded.{name} ELSE f.{name} END" for name in names],
        lambda old, new: new if beats(old, new) else old,
    )


def newest(name: str, *, text: bool = True) -> Rule:
    """What was said last stays; `<name>_at` is when it was said. Of two said at once, the later in the alphabet."""
    at, collate = f"{name}_at", ' COLLATE "C"' if text else ""
    wins = (
        f"excluded.{name} IS NOT NULL AND (f.{name} IS NULL OR"
        f" (excluded.{at}, excluded.{name}{collate}) > (f.{at}, f.{name}{collate}))"
    )

    def beats(old: Values, new: Values) -> bool:
        return new[0] is not None and (old[0] is None or (new[1], new[0]) > (old[1], old[0]))

    return together(wins, beats, name, at)


def of_best_rank(rank: str, *counts: str) -> Rule:
    """Counts that are one report's: of the smallest rank, then of the largest sum. Unranked ones: each the largest.

    Any rank beats none. The last of `counts` is a part of another, and may be null.
    """
    *whole, part = counts

    def ordered(row: str) -> str:
        names = [f"{row}.{name}" for name in whole]
        total = " + ".join(f"{name}::bigint" for name in names)
        return f"-coalesce({row}.{rank}::bigint, {UNRANKED}), {total}, {', '.join(names)}, coalesce({row}.{part}, -1)"

    unranked = f"f.{rank} IS NULL AND excluded.{rank} IS NULL"
    wins = f"({ordered('excluded')}) > ({ordered('f')})"

    def merged(name: str) -> str:
        return (
            f"CASE WHEN {unranked} THEN GREATEST(f.{name}, excluded.{name})"
            f" WHEN {wins} THEN excluded.{name} ELSE f.{name} END"
        )

    def order(row: Values) -> Values:
        return (-known(row[0], UNRANKED), sum(row[1:-1]), *row[1:-1], known(row[-1], -1))

    def fold(old: Values, new: Values) -> Values:
        if old[0] is None and new[0] is None:
            pairs = zip(old[1:], new[1:], strict=True)
            return (None, *(max(pair, key=partial(known, otherwise=-1)) for pair in pairs))
        return max(old, new, key=order)

    return Rule([rank, *counts], lambda: [merged(name) for name in (rank, *counts)], fold)


def known(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


class Kind:
    """One table of facts: the columns of its rows in order, their types, their rules, and what a change tells."""

    # Always the same, so that two writers meet in the same order; `place` says it of a row in Python.
    order = "t.id"
    place: Callable[[Any], Any] = staticmethod(itemgetter(0))

    def __init__(self, table: str, row: type[NamedTuple], types: str, rules: Iterable[Rule | list[Rule]]) -> None:
        self.table = table
        self.row = row
        self.names: tuple[str, ...] = row._fields
        self.types = types.split()
        self.rules = [r for rule in rules for r in (rule if isinstance(rule, list) else [rule])]
        self._places = [[self.names.index(name) for name in rule.columns] for rule in self.rules]

    def upsert(self, returned: Sequence[str] = (), guard: str | None = None) -> str:
        """$1 is the account, then an array a column. Rows that change nothing are neither written nor returned.

        `guard`: which rows alone may change; {own} in it is a last value, a member.
        """
        guarded = guard.format(own=f"${len(self.types) + 2}::uuid") if guard else "true"
        arrays = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(self.types, 2))
        merged = [(name, sql) for rule in self.rules for name, sql in zip(rule.columns, rule.sql(), strict=True)]
        changes = ", ".join(f"old.{name} AS old_{name}, new.{name} AS new_{name}" for name in returned)
        return f"""
            INSERT INTO {self.table} AS f (account_id, {", ".join(self.names)})
            SELECT $1, t.* FROM unnest({arrays}) AS t ({", ".join(self.names)}) ORDER BY {self.order}
            ON CONFLICT (account_id, id) DO UPDATE SET {", ".join(f"{name} = {sql}" for name, sql in merged)}
            WHERE {guarded} AND ({", ".join(f"f.{name}" for name, _ in merged)})
                IS DISTINCT FROM ({", ".join(sql for _, sql in merged)})
            RETURNING old.id IS NULL AS fresh, new.id AS id{", " + changes if changes else ""}
        """

    def fold(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Rows of one key become one: PostgreSQL takes a key only once a statement."""
        if len({row[0] for row in rows}) == len(rows):
            return rows
        by_id: dict[Any, Any] = {}
        for row in rows:
            known = by_id.get(row[0])
            by_id[row[0]] = row if known is None else self._join(known, row)
        return list(by_id.values())

    def _join(self, old: Any, new: Any) -> Any:
        merged = list(old)
        for rule, places in zip(self.rules, self._places, strict=True):
            values = rule.fold(tuple(old[i] for i in places), tuple(new[i] for i in places))
            for i, value in zip(places, values, strict=True):
                merged[i] = value
        return self.row(*merged)
