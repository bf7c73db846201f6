"""Percentiles: exact of a list, and within 1 % of histograms that are merged here."""

import statistics
from array import array
from collections.abc import Iterable, Sequence
from math import ceil

from app.facts.latency import bucket, middle

MOST_MS = 2**31 - 1
# What PostgreSQL puts before the digits when it sends a number: how many there are, the power of the first, two more.
HEADER = 4


def smallest() -> Iterable[tuple[int, int]]:
    """The smallest whole millisecond of each bucket, and the bucket; buckets between two milliseconds hold none."""
    low = 2
    while low <= MOST_MS:
        number = bucket.__wrapped__(low)
        yield low, number
        high = max(low, int(middle(number) * 1.01))
        while bucket.__wrapped__(high) > number:
            high -= 1
        while bucket.__wrapped__(high + 1) == number:
            high += 1
        low = high + 1


# For width_bucket, so that a duration read from facts falls into the very bucket the writer would put it in.
THRESHOLDS, NUMBERS = (list(column) for column in zip(*smallest(), strict=True))
BUCKETS = [0, *NUMBERS]
SIZE = BUCKETS[-1] + 1


class Histogram:
    """Counts by bucket."""

    def __init__(self) -> None:
        self._counts = [0] * SIZE

    def add(self, number: int, count: int) -> None:
        self._counts[number] += count

    def add_sent(self, number: bytes) -> None:
        """A number of counts (app/facts/latency.py) as PostgreSQL sends it: in digits to the base of 10,000."""
        words = array("h", number)
        words.byteswap()
        weight, digits = words[1], words[HEADER:]
        if weight % 2 == 0:
            # The first bucket has fewer than 10,000.
            digits.insert(0, 0)
        if len(digits) % 2:
            digits.append(0)
        counts, bucket = self._counts, weight // 2
        for high, low in zip(digits[::2], digits[1::2], strict=True):
            counts[bucket] += 10_000 * high + low
            bucket -= 1

    def percentiles(self, *shares: int) -> list[float | None]:
        """Nearest-rank, at most 1 % from exact, from 1 ms on; ascending shares of a hundred. None of nothing."""
        total = sum(self._counts)
        if not total:
            return [None] * len(shares)
        found: list[float | None] = []
        seen, number = 0, -1
        for share in shares:
            rank = -(-total * share // 100)
            while seen < rank:
                number += 1
                seen += self._counts[number]
            found.append(round(middle(number), 2))
        return found


def median(values: Sequence[float]) -> float | None:
    return float(statistics.median(values)) if values else None


def nearest_rank(values: Sequence[float], share: int) -> float | None:
    """The smallest value that at least `share` of a hundred do not exceed: of 30, 60, 180 the 95th is 180."""
    return float(sorted(values)[ceil(len(values) * share / 100) - 1]) if values else None
