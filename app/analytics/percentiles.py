"""Percentiles: exact of a list, and within 1 % of histograms that are merged here."""

import statistics
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil
from operator import add

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
        highs, lows = digits[::2], digits[1::2]
        sent = [10_000 * high + low for high, low in zip(highs, lows, strict=True)] if any(highs) else lows.tolist()
        sent.reverse()
        stop = weight // 2 + 1
        here = slice(stop - len(sent), stop)
        self._counts[here] = map(add, self._counts[here], sent)

    def percentiles(self, *shares: int) -> list[float | None]:
        """Nearest-rank, at most 1 % from exact, from 1 ms on; ascending shares of a hundred. None of nothing."""
        upto = list(accumulate(self._counts))
        total = upto[-1]
        if not total:
            return [None] * len(shares)
        return [round(middle(bisect_left(upto, -(-total * share // 100))), 2) for share in shares]


def mean(seconds: Sequence[float]) -> float | None:
    """As exact as instants are, which know microseconds; so is the median."""
    return round(statistics.fmean(seconds), 6) if seconds else None


def median(seconds: Sequence[float]) -> float | None:
    return round(float(statistics.median(seconds)), 6) if seconds else None


def nearest_rank(values: Sequence[float], share: int) -> float | None:
    """The smallest value that at least `share` of a hundred do not exceed: of 30, 60, 180 the 95th is 180."""
    return float(sorted(values)[ceil(len(values) * share / 100) - 1]) if values else None
