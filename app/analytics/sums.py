"""What is counted of messages, added up, and what reports say of it."""

import operator
from collections.abc import Iterable, Sequence
from functools import cached_property

from app.analytics.percentiles import Histogram
from app.facts.rollups import MESSAGE_NUMBERS
from app.web.schema import dollars

NUMBERS = MESSAGE_NUMBERS
ZEROS = (0,) * len(NUMBERS)


class Sums:
    """One line of a report."""

    def __init__(self) -> None:
        self.numbers: tuple[int, ...] = ZEROS

    @cached_property
    def histogram(self) -> Histogram:
        return Histogram()

    def add(self, numbers: Sequence[int]) -> None:
        self.numbers = tuple(numbers) if self.numbers is ZEROS else tuple(map(operator.add, self.numbers, numbers))

    @property
    def messages(self) -> int:
        return self.numbers[0]

    @property
    def errors(self) -> int:
        return self.numbers[1]

    @property
    def classes(self) -> Sequence[int]:
        """Input, output, cache read, cache creation."""
        return self.numbers[2:6]

    @property
    def tokens(self) -> int:
        return sum(self.classes)

    @property
    def average(self) -> float | None:
        return average(self.numbers[7], self.numbers[6])

    @property
    def unpriced(self) -> int:
        return self.numbers[9]

    @property
    def cost(self) -> str | None:
        return cost(self.numbers[8], self.numbers[9])

    @property
    def error_rate(self) -> float:
        return percentage(self.errors, self.messages)

    def times(self, noun: str = "response_time_ms") -> dict[str, float | None]:
        """The average and the percentiles, by their names in answers."""
        p50, p95, p99 = self.histogram.percentiles(50, 95, 99)
        return {f"avg_{noun}": self.average, f"p50_{noun}": p50, f"p95_{noun}": p95, f"p99_{noun}": p99}


def average(response_ms: int, timed: int) -> float | None:
    """Of the messages whose time is known."""
    return round(response_ms / timed, 2) if timed else None


def cost(micros: int, unpriced: int) -> str | None:
    """Unknown where something was used and nothing of it has a price."""
    return dollars(micros) if micros or not unpriced else None


def percentage(part: int, whole: int) -> float:
    """Two decimals; of nothing, nothing went wrong."""
    return round(100 * part / whole, 2) if whole else 0.0


def added(parts: Iterable[Sums]) -> Sums:
    total = Sums()
    total.numbers = tuple(sum(column) for column in zip(*(part.numbers for part in parts), strict=True)) or ZEROS
    return total
