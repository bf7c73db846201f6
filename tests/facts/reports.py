"""Rows as producers send them, made up at random: few names and instants, so that everything meets everything."""

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.people import Company

Row = tuple[str, dict[str, Any]]
# Around midnights and changes of the clock in each of these.
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")
MOMENTS = (
    datetime(2026, 3, 8, 6, 59, 59, 999_999, UTC),  # New York jumps from 2 to 3
    datetime(2025, 11, 2, 3, 59, 59, tzinfo=UTC),  # a New York day of 25 hours begins
    datetime(2025, 11, 3, 4, 59, 59, 999_999, UTC),  # and ends
    datetime(2026, 4, 4, 14, 45, tzinfo=UTC),  # Lord Howe turns back half an hour
    datetime(2026, 5, 1, 18, 14, 59, 999_999, UTC),  # midnight in Kathmandu
    datetime(2026, 5, 1, 23, 59, 59, 999_999, UTC),
)
SHIFTS = (0, 1, 2, 1_000, 599_999_999, 600_000_000, 600_000_001, 86_400_000_000)
INSTANTS = tuple((moment + timedelta(microseconds=shift)).isoformat() for moment in MOMENTS for shift in SHIFTS)
SESSIONS = ("s", "t", "É", "😀")
IDS = ("1", "2", "3")
NAMES = ("a", "b", "Ä")
COUNTS = (0, 1, 1_000, 250_000)
FLAGS = (False, True)
MILLISECONDS = (0, 1, 1.5, 2, 900, 901, 10_000, 2**31 - 1)
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
ATTRIBUTES = ("session_type", "intake_type", "status", "confidence_tier", "provider", "model", "workspace")
# Messages carry most of what is counted.
WEIGHTED = ("sessions", "sessions", "messages", "messages", "messages", "tool_calls", "steps", "handoffs")


@dataclass(frozen=True)
class Shape:
    """What each field may hold; a field that may be left out is left out every other time."""

    always: Mapping[str, Sequence[Any]]
    maybe: Mapping[str, Sequence[Any]]

    def strategy(self) -> st.SearchStrategy[dict[str, Any]]:
        always = {name: st.sampled_from(pool) for name, pool in self.always.items()}
        maybe = {name: st.sampled_from(pool) for name, pool in self.maybe.items()}
        return st.fixed_dictionaries(always, optional=maybe).map(possible)

    def pick(self, chance: random.Random) -> dict[str, Any]:
        row = {name: chance.choice(pool) for name, pool in self.always.items()}
        maybe = {name: chance.choice(pool) for name, pool in self.maybe.items() if chance.random() < 0.5}
        return possible(row | maybe)


def possible(row: dict[str, Any]) -> dict[str, Any]:
    """What is kept in a cache for an hour is a part of what is kept there."""
    if "cache_creation_1h_tokens" in row:
        row["cache_creation_1h_tokens"] = min(row["cache_creation_1h_tokens"], row.get("cache_creation_tokens", 0))
    return row


def shapes(company: Company) -> dict[str, Shape]:
    people = (company.viewer, company.engineer, company.admin, company.owner)
    by_name = [*(str(person.id) for person in people), *(person.email.upper() for person in people)]
    of_session = {"session_id": SESSIONS, "id": IDS}
    return {
        "sessions": Shape(
            {"id": SESSIONS, "created_at": INSTANTS},
            {"updated_at": INSTANTS, "user_email": by_name[4:], **dict.fromkeys(ATTRIBUTES, NAMES)},
        ),
        "messages": Shape(
            of_session | {"created_at": INSTANTS, "role": ("user", "assistant", "system", "tool")},
            {
                "global_id": ("g", "h"),
                "agent_name": NAMES,
                "model_id": ("gpt-4o", "claude-sonnet-4-5", "nobody-knows-this"),
                "provider": ("openai", "anthropic", "nobody"),
                "status": ("running", "completed", "failed"),
                "error_kind": NAMES,
                "is_error": FLAGS,
                **dict.fromkeys((*TOKENS, "cache_creation_1h_tokens"), COUNTS),
                "usage_rank": (0, 1),
                "response_time_ms": MILLISECONDS,
                "started_at": INSTANTS,
                "completed_at": INSTANTS,
            },
        ),
        "tool_calls": Shape(
            of_session,
            {
                "global_id": ("g", "h"),
                "message_id": IDS,
                "name": NAMES,
                "status": ("running", "success", "error"),
                "is_error": FLAGS,
                "started_at": INSTANTS,
                "completed_at": INSTANTS,
                "duration_ms": MILLISECONDS,
            },
        ),
        "steps": Shape(
            of_session | {"created_at": INSTANTS},
            {
                "step_order": (-2, -1, 0, 1, 2),
                "step_type": NAMES,
                "confidence_at_step": (0.0, 0.25, 1.0),
                **dict.fromkeys(TOKENS[:2], COUNTS),
                **dict.fromkeys(("is_fork_point", "was_free_text", "was_skipped"), FLAGS),
            },
        ),
        "handoffs": Shape(
            of_session | {"created_at": INSTANTS},
            {
                "handed_off_by": by_name,
                "intent": NAMES,
                "priority": NAMES,
                "claimed_at": INSTANTS,
                "claimed_by": by_name,
            },
        ),
    }


def rows(company: Company) -> st.SearchStrategy[Row]:
    """One row with its kind, for properties."""
    known = shapes(company)
    return st.one_of([st.tuples(st.just(kind), known[kind].strategy()) for kind in WEIGHTED])


def some(company: Company, number: int, seed: int) -> list[Row]:
    """So many rows, always the same for one seed: where many are needed, and plain ones prove nothing."""
    known, chance = shapes(company), random.Random(seed)
    return [(kind, known[kind].pick(chance)) for kind in chance.choices(WEIGHTED, k=number)]


def more(times: int) -> int:
    """How many examples; a deeper look on request."""
    return times * int(os.environ.get("TALLY_TEST_DEPTH", "1"))
