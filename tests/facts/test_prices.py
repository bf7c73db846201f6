"""What a message costs: each class of tokens at its own price, an unknown one at none."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.facts.prices import PriceBook, Rates, Tokens, rate

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


PREFIXED = [
    ("anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
    ("openai/gpt-4o", "openai", "gpt-4o"),
    ("azure/gpt-4o", "azure", "gpt-4o"),
    ("openrouter/anthropic/claude-sonnet-4.5", "openrouter", "anthropic/claude-sonnet-4.5"),
    ("proxy/anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", "aws", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
]


@pytest.mark.parametrize("stated", [None, "litellm-proxy"])
@pytest.mark.parametrize(("model", "seller", "bare"), PREFIXED)
def test_a_model_behind_its_seller_s_name_costs_what_the_seller_asks(
    model: str, seller: str, bare: str, stated: str | None
) -> None:
    tokens = Tokens(100_000, 5_000, 0, 0)
    asked = micros(tokens, bare, seller)
    assert asked
    assert PriceBook().micros(stated, model, AT, tokens) == asked


def test_what_the_provider_calls_it_by_is_found_behind_a_folder() -> None:
    tokens = Tokens(100_000, 5_000, 0, 0)
    assert micros(tokens, "models/gemini-2.5-pro", "google") == micros(tokens, "gemini-2.5-pro", "google")


@pytest.mark.parametrize("model", ["ollama/gpt-4o", "mine/claude-sonnet-4-5", "/opt/gpt-4o", "gpt-4o/", "/", "x-v1:0"])
def test_what_nobody_known_sells_has_no_price(model: str) -> None:
    assert PriceBook().micros(None, model, AT, Tokens(1_000, 0, 0, 0)) is None


@pytest.mark.parametrize("tokens", [Tokens(0, 0, 0, 1_000), Tokens(0, 0, 0, 1_000, for_an_hour=1_000)])
def test_where_caching_has_no_price_of_its_own_it_costs_what_input_costs(tokens: Tokens) -> None:
    assert micros(tokens, "gpt-4o", "openai") == micros(Tokens(1_000, 0, 0, 0), "gpt-4o", "openai")


@pytest.mark.parametrize(("tokens", "micros"), [(1, 0), (2, 1), (3, 2), (5, 2), (7, 4)])
def test_half_of_a_millionth_goes_to_the_even_side(tokens: int, micros: int) -> None:
    half = rate(Decimal("0.5"))
    assert Rates((half, half, half, half, half), 0).micros(Tokens(tokens, 0, 0, 0)) == micros


def test_no_digit_of_a_price_is_lost() -> None:
    third = rate(Decimal("0.08333333333333334"))
    rates = Rates((third, third, third, third, third), 0)
    assert rates.micros(Tokens(6 * 10**17, 0, 0, 0)) == 50_000_000_000_000_004
