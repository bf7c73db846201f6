"""What a message costs: each class of tokens at its own price, an unknown one at none."""

from datetime import UTC, datetime

import pytest

from app.facts.prices import PriceBook, Tokens

AT = datetime(2026, 5, 1, tzinfo=UTC)


def micros(tokens: Tokens, model: str = "claude-sonnet-4-5-20250929", provider: str = "anthropic") -> int | None:
    return PriceBook().micros(provider, model, AT, tokens)


def test_what_is_cached_for_an_hour_costs_twice_the_input() -> None:
    fresh = micros(Tokens(100_000, 0, 0, 0))
    minutes, hour = micros(Tokens(0, 0, 0, 100_000)), micros(Tokens(0, 0, 0, 100_000, for_an_hour=100_000))
    assert fresh
    assert (minutes, hour) == (fresh * 1.25, fresh * 2)


def test_tokens_of_an_hour_are_a_part_of_the_cached_ones_and_paid_once() -> None:
    minutes, hour = Tokens(0, 0, 0, 60_000), Tokens(0, 0, 0, 40_000, for_an_hour=40_000)
    both = Tokens(0, 0, 0, 100_000, for_an_hour=40_000)
    assert micros(both) == (micros(minutes) or 0) + (micros(hour) or 0)


@pytest.mark.parametrize("tokens", [Tokens(0, 0, 0, 1_000), Tokens(0, 0, 0, 1_000, for_an_hour=1_000)])
def test_where_caching_has_no_price_of_its_own_it_costs_what_input_costs(tokens: Tokens) -> None:
    assert micros(tokens, "gpt-4o", "openai") == micros(Tokens(1_000, 0, 0, 0), "gpt-4o", "openai")
