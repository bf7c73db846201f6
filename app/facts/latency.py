"""Durations in buckets that grow by 2 %: histograms that add up, from which every percentile is within 1 %."""

import math
from functools import lru_cache

GAMMA = 1.02


@lru_cache(maxsize=65_536)
def bucket(milliseconds: int) -> int:
    """The bucket of a duration; everything up to one millisecond shares the first."""
    return 0 if milliseconds <= 1 else math.ceil(math.log(milliseconds, GAMMA) - 1e-9)


def middle(number: int) -> float:
    """The duration that stands for a bucket: at most 1 % from any in it."""
    return 1.0 if number == 0 else 2 * GAMMA**number / (GAMMA + 1)
