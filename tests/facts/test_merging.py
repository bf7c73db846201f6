"""Each merging rule says one thing twice, in SQL and in Python; and what it says does not depend on the order."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.db.engine import Database, Tx
from app.facts.kinds import HANDOFF, MESSAGE, SESSION, STEP, TOOL_CALL
from app.facts.merging import Kind
from tests.facts.samples import WORDS, rows
from tests.people import Founder

KINDS = [SESSION, MESSAGE, TOOL_CALL, STEP, HANDOFF]
# Priced once both reports are one, and the owner's of the session: the writer decides these, not the rules.
NOT_MERGED = {"cost_micros", "price_version"}
PEOPLE = [UUID(int=n) for n in (1, 2, 3)]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)


def home(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


def merged_columns(kind: Kind, row: Any) -> dict[str, Any]:
    return {name: value for name, value in zip(kind.names, row, strict=True) if name not in NOT_MERGED}


def folded(kind: Kind, reports: Any) -> dict[str, Any]:
    (row,) = kind.fold(list(reports))
    return merged_columns(kind, row)


@each_kind
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_reports_of_one_fact_fold_alike_in_any_order_split_and_number(kind: Kind, data: st.DataObject) -> None:
    reports = data.draw(st.lists(rows(kind, st.just(UUID(int=7)), home, PEOPLE), min_size=1, max_size=4))
    whole = folded(kind, reports)
    assert {repr(folded(kind, order)) for order in permutations(reports)} == {repr(whole)}
    assert folded(kind, reports * 2) == whole
    for cut in range(1, len(reports)):
        halves = [*kind.fold(reports[:cut]), *kind.fold(reports[cut:])]
        assert folded(kind, halves) == whole


@each_kind
def test_every_column_has_one_rule_or_is_the_key(kind: Kind) -> None:
    ruled = [name for rule in kind.rules for name in rule.columns]
    assert len(ruled) == len(set(ruled))
    fixed = {"id", *NOT_MERGED} | ({"session_id"} if kind in (STEP, HANDOFF) else set())
    assert set(ruled) | fixed >= set(kind.names)


async def prepare(tx: Tx) -> None:
    """Sessions for facts to belong to."""
    for name in WORDS:
        await tx.driver.execute("INSERT INTO ai_sessions (account_id, id) VALUES ($1, $2)", tx.account, home(name))


async def upserted(tx: Tx, kind: Kind, batches: Iterator[list[Any]]) -> dict[UUID, dict[str, Any]]:
    """The batches one after the other, as the table shows them."""
    for batch in batches:
        await tx.driver.fetch(kind.upsert(), tx.account, *zip(*kind.fold(batch), strict=True))
    names = ", ".join(kind.names)
    wanted = [UUID(int=n) for n in range(20)]
    found = await tx.driver.fetch(
        f"SELECT {names} FROM {kind.table} WHERE account_id = $1 AND id = ANY ($2)", tx.account, wanted
    )
    return {row["id"]: merged_columns(kind, tuple(row)) for row in found}


@each_kind
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
async def test_the_table_merges_as_the_fold_does(
    kind: Kind, data: st.DataObject, database: Database, founder: Founder
) -> None:
    company = await founder.company()
    people = [company.viewer.id, company.engineer.id, company.owner.id]
    ids = st.integers(0, 19).map(lambda n: UUID(int=n))
    sent = data.draw(st.lists(rows(kind, ids, home, people), min_size=20, max_size=60))
    expected = {row[0]: merged_columns(kind, row) for row in kind.fold(sent)}
    shuffled = data.draw(st.permutations(sent))
    one_by_one, in_threes = ([row] for row in sent), (shuffled[at : at + 3] for at in range(0, len(shuffled), 3))
    for batches in (one_by_one, in_threes):
        async with database.transaction(company.id) as tx:
            await prepare(tx)
            assert await upserted(tx, kind, batches) == expected
            assert await upserted(tx, kind, iter([sent])) == expected
            await tx.driver.execute("ROLLBACK; BEGIN")
