"""The five kinds of facts, as the writer takes them: keys resolved, members known, every column in its place."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from app.facts.merging import (
    Kind,
    Values,
    earliest,
    furthest,
    largest,
    last_in_alphabet,
    newest,
    of_best_rank,
    sticky,
    together,
)

NOBODY = UUID(int=2**128 - 1)
EVER, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class SessionFact(NamedTuple):
    id: UUID
    external_id: str
    is_stub: bool
    created_at: datetime
    updated_at: datetime
    user_id: UUID | None
    user_id_at: datetime | None
    session_type: str | None = None
    session_type_at: datetime | None = None
    intake_type: str | None = None
    intake_type_at: datetime | None = None
    status: str | None = None
    status_at: datetime | None = None
    confidence_tier: str | None = None
    confidence_tier_at: datetime | None = None
    provider: str | None = None
    provider_at: datetime | None = None
    model: str | None = None
    model_at: datetime | None = None
    workspace: str | None = None
    workspace_at: datetime | None = None


def merely_locked(id_: UUID) -> SessionFact:
    """A row that loses against whatever stands there: written, it changes nothing and locks."""
    return SessionFact(id_, "", True, NEVER, EVER, None, None)


TOKEN_COLUMNS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cache_creation_1h_tokens",
)


class MessageFact(NamedTuple):
    id: UUID
    session_id: UUID
    session_key: str | None
    user_id: UUID | None
    role: str
    status: str
    is_error: bool
    error_kind: str | None
    agent_name: str | None
    model_id: str | None
    provider: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    given_response_ms: int | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int | None
    usage_rank: int | None
    cost_micros: int | None
    price_version: str | None


class ToolCallFact(NamedTuple):
    id: UUID
    session_id: UUID
    session_key: str | None
    user_id: UUID | None
    message_id: str | None
    name: str | None
    status: str
    is_error: bool
    started_at: datetime | None
    completed_at: datetime | None
    received_at: datetime
    given_duration_ms: int | None


class StepFact(NamedTuple):
    id: UUID
    session_id: UUID
    created_at: datetime
    step_order: int | None
    step_type: str | None
    confidence_at_step: float | None
    input_tokens: int | None
    output_tokens: int | None
    is_fork_point: bool
    was_free_text: bool
    was_skipped: bool


class HandoffFact(NamedTuple):
    id: UUID
    session_id: UUID
    created_at: datetime
    handed_off_by: UUID | None
    intent: str | None
    priority: str | None
    claimed_at: datetime | None
    claimed_by: UUID | None


def stated_beats(old: Values, new: Values) -> bool:
    """A session that was sent beats one only spoken of; of two alike, the earlier."""
    return (new[0], new[1]) < (old[0], old[1])


def smaller_session(old: Values, new: Values) -> bool:
    return old[0] is not None and new[0] is not None and new[0] < old[0]


def earlier_claim(old: Values, new: Values) -> bool:
    """Of two claims the first counts; of two at once, and of two without a time, the one that names a person."""
    return (new[0] or NEVER, new[1] or NOBODY) < (old[0] or NEVER, old[1] or NOBODY)


SESSION = Kind(
    "ai_sessions",
    SessionFact,
    "uuid text bool timestamptz timestamptz uuid timestamptz" + " text timestamptz" * 7,
    [
        together(
            "(excluded.is_stub, excluded.created_at) < (f.is_stub, f.created_at)",
            stated_beats,
            "is_stub",
            "created_at",
        ),
        largest("updated_at"),
        last_in_alphabet("external_id"),
        newest("user_id", text=False),
        *map(newest, ("session_type", "intake_type", "status", "confidence_tier", "provider", "model", "workspace")),
    ],
)
# Only rows with a global id carry a session key; without one the session is part of the identity.
OF_SMALLER_SESSION = together(
    'excluded.session_key COLLATE "C" < f.session_key COLLATE "C"',
    smaller_session,
    "session_key",
    "session_id",
    "user_id",
)


class InTime(Kind):
    """Written in order of time, which keeps the index by time a fifth smaller.

    A row told with two different times may make two writers meet the other way round: PostgreSQL notices, and one is
    tried again.
    """

    order = "t.created_at, t.id"
    place = staticmethod(lambda row: (row.created_at, row.id))


MESSAGE = InTime(
    "messages",
    MessageFact,
    "uuid uuid text uuid text text bool text text text text timestamptz timestamptz timestamptz int int int int int"
    " int int bigint text",
    [
        OF_SMALLER_SESSION,
        last_in_alphabet("role", "error_kind", "agent_name", "model_id", "provider"),
        furthest("status", "running", "completed", "failed"),
        sticky("is_error"),
        earliest("created_at", "started_at"),
        largest("completed_at", "given_response_ms"),
        of_best_rank("usage_rank", *TOKEN_COLUMNS),
    ],
)
TOOL_CALL = Kind(
    "tool_calls",
    ToolCallFact,
    "uuid uuid text uuid text text text bool timestamptz timestamptz timestamptz int",
    [
        OF_SMALLER_SESSION,
        last_in_alphabet("message_id", "name"),
        furthest("status", "running", "success", "error"),
        sticky("is_error"),
        earliest("started_at", "received_at"),
        largest("completed_at", "given_duration_ms"),
    ],
)
STEP = Kind(
    "ai_session_steps",
    StepFact,
    "uuid uuid timestamptz int text float8 int int bool bool bool",
    [
        earliest("created_at"),
        last_in_alphabet("step_type"),
        largest("step_order", "confidence_at_step", "input_tokens", "output_tokens"),
        sticky("is_fork_point", "was_free_text", "was_skipped"),
    ],
)
HANDOFF = Kind(
    "session_handoffs",
    HandoffFact,
    "uuid uuid timestamptz uuid text text timestamptz uuid",
    [
        earliest("created_at"),
        last_in_alphabet("intent", "priority"),
        largest("handed_off_by"),
        together(
            f"(coalesce(excluded.claimed_at, 'infinity'), coalesce(excluded.claimed_by, '{NOBODY}'))"
            f" < (coalesce(f.claimed_at, 'infinity'), coalesce(f.claimed_by, '{NOBODY}'))",
            earlier_claim,
            "claimed_at",
            "claimed_by",
        ),
    ],
)
