"""One measured thing, and how rounds are taken."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A row of the table. `ratio` is against what `of` names; `aim` is what it should at least (or at most) be."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    of: str = ""
    aim: str = ""


def interleaved(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each side; every round measures every side once, so that all meet the same machine."""
    seen: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            seen[name].append(measure())
    return {name: statistics.median(values) for name, values in seen.items()}
