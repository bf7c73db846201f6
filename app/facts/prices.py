"""What a message cost, in millionths of a dollar, by the public price data of its day.

Prices are looked up once per model, not per message: a look-up takes 140 µs. Unknown stays unknown: a message of a
model without a price has no cost, which is not the same as costing nothing.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import NamedTuple

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ConditionalPrice, ModelPrice, TieredPrices

VERSION = f"genai-prices {version('genai-prices')}"
MOST_MODELS = 10_000
# Only Bedrock's ids end so: `us.anthropic.claude-sonnet-4-5-20250929-v1:0`.
BEDROCK = re.compile(r"-v\d+:\d+$", re.ASCII)
# A thousand requests cost so many dollars: one request, so many thousandths; in millionths of a dollar:
PER_REQUEST = Decimal(1_000)
# Prices are kept as whole numbers, which add up four times as fast as decimals, as exactly: none has more digits.
PARTS = 10**18


class Tokens(NamedTuple):
    """Four disjoint classes; of what was put into a cache, how much is kept an hour and not minutes."""

    input: int
    output: int
    cache_read: int
    cache_creation: int
    for_an_hour: int = 0


@dataclass(frozen=True)
class Rate:
    """PARTS of a millionth of a dollar a token; dearer above a size of the input."""

    base: int
    tiers: Sequence[tuple[int, int]] = ()

    def at(self, size: int) -> int:
        for start, price in reversed(self.tiers):
            if size > start:
                return price
        return self.base

    def times(self, factor: int) -> "Rate":
        return Rate(self.base * factor, [(start, price * factor) for start, price in self.tiers])


@dataclass(frozen=True)
class Rates:
    """The prices of a model at a time, in the order of Tokens, and the price of asking at all."""

    by_class: tuple[Rate, Rate, Rate, Rate, Rate]
    request: int

    def micros(self, tokens: Tokens) -> int:
        given, made, read, written, for_an_hour = tokens
        fresh, output, cached, kept, lasting = self.by_class
        size = given + read + written
        cost = self.request + fresh.at(size) * given + output.at(size) * made + cached.at(size) * read
        cost += kept.at(size) * (written - for_an_hour) + lasting.at(size) * for_an_hour
        whole, rest = divmod(cost, PARTS)
        # Half of a millionth goes to the even side.
        return whole + (2 * rest > PARTS - whole % 2)


FREE = Rate(0)


def parts(price: Decimal) -> int:
    """Dollars a million tokens, which is millionths of a dollar a token, in whole numbers."""
    return int((price * PARTS).to_integral_exact())


def rate(price: Decimal | TieredPrices | None, otherwise: Rate = FREE) -> Rate:
    if price is None:
        return otherwise
    if isinstance(price, TieredPrices):
        return Rate(parts(price.base), [(tier.start, parts(tier.price)) for tier in price.tiers])
    return Rate(parts(price))


def rates(price: ModelPrice) -> Rates:
    """A cache class without a price of its own is paid like input.

    The price data knows what a cache of minutes costs; who sells one of an hour asks twice the input for it.
    """
    fresh = rate(price.input_mtok)
    request = price.requests_kcount
    return Rates(
        (
            fresh,
            rate(price.output_mtok),
            rate(price.cache_read_mtok, fresh),
            rate(price.cache_write_mtok, fresh),
            fresh if price.cache_write_mtok is None else fresh.times(2),
        ),
        parts(request * PER_REQUEST) if isinstance(request, Decimal) else 0,
    )


class PriceBook:
    """Prices by provider and model, remembered; the longest unused are forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str | None, str], list[tuple[ConditionalPrice | None, Rates]]] = OrderedDict()

    def micros(self, provider: str | None, model: str | None, at: datetime, tokens: Tokens) -> int | None:
        """None where no price is known; nothing used costs nothing, whatever the model."""
        if not any(tokens):
            return 0
        if model is None:
            return None
        for condition, known in self._of(provider, model):
            if condition is None or condition.constraint is None or condition.constraint.active(at):
                return known.micros(tokens)
        return None

    def _of(self, provider: str | None, model: str) -> list[tuple[ConditionalPrice | None, Rates]]:
        key = (provider, model)
        if key not in self._known:
            if len(self._known) >= MOST_MODELS:
                self._known.popitem(last=False)
            self._known[key] = look_up(provider, model)
        return self._known[key]


def spellings(provider: str | None, model: str) -> Iterator[tuple[str | None, str]]:
    """Where to look: the whole id first; a provider the data does not know is left for it to find.

    Then what routers write, `openrouter/anthropic/claude…`: each part before a slash as the provider of the rest.
    """
    yield provider, model
    if provider is not None:
        yield None, model
    rest = model
    while "/" in rest:
        seller, _, rest = rest.partition("/")
        yield seller, rest
        if provider is not None:
            yield provider, rest
    if BEDROCK.search(rest):
        yield "aws", rest


def look_up(provider: str | None, model: str) -> list[tuple[ConditionalPrice | None, Rates]]:
    """The price list of a model, latest first."""
    snapshot = get_snapshot()
    for seller, name in spellings(provider, model):
        try:
            _, found = snapshot.find_provider_model(name, None, seller, None)
        except LookupError:
            continue
        if isinstance(found.prices, ModelPrice):
            return [(None, rates(found.prices))]
        listed = [(conditional, rates(conditional.prices)) for conditional in reversed(found.prices)]
        return [*listed, (None, rates(found.prices[0].prices))]
    return []
