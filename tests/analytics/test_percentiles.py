"""R16: percentiles within the written error of exact ones."""

import math
import random
from bisect import bisect_right
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.analytics.percentiles import BUCKETS, THRESHOLDS, Histogram, mean, median, nearest_rank
from app.db.engine import Database
from app.facts.latency import as_number, bucket, counts_of
from tests.analytics.conftest import Read
from tests.factories import Logbook, at
from tests.people import Company

WRITTEN_ERROR = 0.01
SHARES = (50, 95, 99)


@given(st.integers(0, 2**31 - 1))
def test_facts_fall_into_the_bucket_the_writer_puts_them_in(ms: int) -> None:
    assert BUCKETS[bisect_right(THRESHOLDS, ms)] == bucket(ms)


@pytest.mark.parametrize(
    "values",
    [
        [1],
        [0, 0, 1, 2],
        [250] * 1000,
        [int(random.Random(n).lognormvariate(7, 1.2)) for n in range(5000)],
        list(range(1, 3000)),
        [2, 2**31 - 1],
    ],
    ids=["one", "tiny", "constant", "lognormal", "uniform", "extremes"],
)
async def test_percentiles_are_within_one_per_cent_of_exact(
    database: Database, company: Company, log: Logbook, read: Read, values: list[int]
) -> None:
    """Against PostgreSQL's own exact percentile over the facts, by rollup and by facts."""
    session = log.session(at("2026-05-03"))
    for ms in values:
        log.message(session, at("2026-05-03T10:00"), agent_name="a", given_response_ms=ms)
    await log.write()
    ask = """SELECT percentile_disc($2::float8[]) WITHIN GROUP (ORDER BY response_time_ms)
        FROM messages WHERE account_id = $1"""
    async with database.transaction(company.id, read_only=True) as tx:
        exact = await tx.driver.fetchval(ask, company.id, [share / 100 for share in SHARES])
    for zone in ("UTC", "Asia/Kathmandu"):
        (line,) = (await read("agents", start_date="2026-05-01", end_date="2026-05-31", timezone=zone))["agents"]
        for share, value in zip(SHARES, exact, strict=True):
            found = line[f"p{share}_response_time_ms"]
            assert abs(found - max(1, value)) <= max(1, value) * WRITTEN_ERROR + 0.005, (
                share,
                found,
                value,
            )  # two decimals


@given(st.lists(st.floats(0, 1e9), min_size=1), st.integers(1, 100))
def test_nearest_rank_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], share: int) -> None:
    found = nearest_rank(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= math.ceil(len(values) * share / 100)
    assert sum(value < found for value in values) < math.ceil(len(values) * share / 100)


def test_of_30_60_180_the_95th_is_180_and_the_median_is_60() -> None:
    assert nearest_rank([180.0, 30.0, 60.0], 95) == 180.0
    assert median([180.0, 30.0, 60.0]) == 60.0
    assert median([30.0, 60.0]) == 45.0
    assert (mean([0.1, 0.2, 0.3]), median([0.1, 0.2])) == (0.2, 0.15)
    assert nearest_rank([], 95) is median([]) is mean([]) is None


def test_a_histogram_of_nothing_has_no_percentiles() -> None:
    assert Histogram().percentiles(50, 99) == [None, None]


COUNTS = st.dictionaries(st.sampled_from([0, 1, 2, 36, 37, 581, 1084, 1085]), st.integers(1, 10**8 - 1))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(COUNTS, min_size=1, max_size=3))
async def test_histograms_are_added_as_numbers_and_read_as_they_are_sent(
    database: Database, company: Company, parts: list[dict[int, int]]
) -> None:
    wanted: Counter[int] = Counter()
    for counts in parts:
        wanted.update({number: n // len(parts) for number, n in counts.items()})
    written = [as_number({k: n // len(parts) for k, n in counts.items()}) for counts in parts]
    sums = "FROM unnest($1::text[]) AS t (h)"
    async with database.transaction(company.id, read_only=True) as tx:
        sent, number = await tx.driver.fetchrow(
            f"SELECT numeric_send(sum(h::numeric)), sum(h::numeric) {sums}", written
        )
    histogram = Histogram()
    histogram.add_sent(sent)
    assert {number: n for number, n in enumerate(histogram._counts) if n} == {k: n for k, n in wanted.items() if n}
    assert counts_of(number) == {k: n for k, n in wanted.items() if n}
