"""Two kinds of chance: one of several, and a duration or size around a typical one."""

from collections.abc import Mapping
from math import log
from random import Random
from typing import TypeVar

Choice = TypeVar("Choice")


def chosen(random: Random, weights: Mapping[Choice, float]) -> Choice:
    return random.choices([*weights], [*weights.values()])[0]


def around(random: Random, median: float, spread: float) -> float:
    """Lognormal, as times and sizes are: half lie below `median`, a few far above."""
    return random.lognormvariate(log(median), spread)
