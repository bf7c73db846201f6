"""Durations in buckets that grow by 2 %: histograms that add up, from which every percentile is within 1 %.

A histogram is kept as one number, of which every eight decimal digits are the count of a bucket, bucket 0 last: to add,
merge or take back histograms is to add numbers, which PostgreSQL does faster than anything on arrays. A bucket of one
line holds fewer than 100 million, of a day or of the longest window that can be asked for.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

GAMMA = 1.02
DIGITS = 8


@lru_cache(maxsize=65_536)
def bucket(milliseconds: int) -> int:
    """The bucket of a duration; everything up to one millisecond shares the first."""
    return 0 if milliseconds <= 1 else math.ceil(math.log(milliseconds, GAMMA) - 1e-9)


def as_number(counts: Mapping[int, int]) -> str:
    """A histogram, written out. Every count is positive."""
    parts: list[str] = []
    last = None
    for number in sorted(counts, reverse=True):
        parts += "0" * DIGITS * ((last or number + 1) - number - 1), f"{counts[number]:0{DIGITS}d}"
        last = number
    return "".join(parts) + "0" * DIGITS * (last or 0) or "0"


def counts_of(histogram: Decimal) -> dict[int, int]:
    """By bucket, to be read by people and compared."""
    digits = f"{histogram:f}"[::-1]
    counts = [int(digits[place : place + DIGITS][::-1]) for place in range(0, len(digits), DIGITS)]
    return {number: n for number, n in enumerate(counts) if n}


def middle(number: int) -> float:
    """The duration that stands for a bucket: at most 1 % from any in it."""
    return 1.0 if number == 0 else 2 * GAMMA**number / (GAMMA + 1)
