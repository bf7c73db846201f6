"""What each report answers, as the description shows it: the same two days of one small account throughout."""

from collections.abc import Mapping
from typing import Any

SESSION, MEMBER = "0196a0c2-5b1e-7c3a-9d4f-2f6f0b7a1c55", "0196a0c2-1111-7a2b-8c3d-4e5f60718293"
BEGAN, ENDED, CHANGED = "2026-05-01T08:00:00Z", "2026-05-02T09:30:00Z", "2026-05-02T09:30:04.512000Z"
WINDOW = {
    "start_date": "2026-05-01T00:00:00Z", "end_date": "2026-05-02T23:59:59.999999Z", "timezone": "UTC",
    "data_as_of": CHANGED, "facts_from": None,
}  # fmt: skip
CLASSES = {"input_tokens": 1200, "output_tokens": 3400, "cache_read_tokens": 90000, "cache_creation_tokens": 5400}
TIMES = {
    "avg_response_time_ms": 1840.5, "p50_response_time_ms": 1510.21, "p95_response_time_ms": 4210.08,
    "p99_response_time_ms": 6120.77,
}  # fmt: skip
NO_TIMES: dict[str, None] = dict.fromkeys(TIMES)
ALL = {"total_tokens": 100000, "avg_response_time_ms": 1840.5, "cost_usd": "0.108450"}


def day(number: int, messages: int, tokens: tuple[int, int, int, int], **more: Any) -> dict[str, Any]:
    known = {"avg_response_time_ms": None, "error_count": 0, "cost_usd": "0.000000"}
    shown = {"date": f"2026-05-0{number}", "messages": messages, "tokens": sum(tokens), "sessions": 1}
    return {**shown, **dict(zip(CLASSES, tokens, strict=True)), **known, **more}


USAGE: dict[str, Any] = {
    **WINDOW, "total_messages": 42, "total_sessions": 1, **CLASSES, **ALL, "error_count": 1, "unpriced_messages": 0,
    "daily_usage": [
        day(1, 30, (1000, 3000, 70000, 5400), avg_response_time_ms=1790.25, error_count=1, cost_usd="0.089250"),
        day(2, 12, (200, 400, 20000, 0), avg_response_time_ms=1966.13, cost_usd="0.019200"),
    ],
}  # fmt: skip
AGENTS = {
    **WINDOW, "total_calls": 24,
    "agents": [
        {"name": "reviewer", "usage_count": 20, "total_tokens": 100000, **TIMES, "error_count": 1, "error_rate": 5.0,
         "cost_usd": "0.108450"},
        {"name": "unknown", "usage_count": 4, "total_tokens": 0, **NO_TIMES, "error_count": 0, "error_rate": 0.0,
         "cost_usd": "0.000000"},
    ],
}  # fmt: skip
MODELS = {
    **WINDOW, "total_usage": 24,
    "models": [
        {"model_id": "anthropic/claude-sonnet-4-5", "model_name": "Claude Sonnet 4 5", "usage_count": 24,
         "total_tokens": 100000, **TIMES, "error_count": 1, "error_rate": 4.17, "cost_usd": "0.108450"},
    ],
}  # fmt: skip
SUMMARY = {**WINDOW, **ALL, "total_messages": 42, "error_rate": 2.38, "active_sessions": 1}
TOOLS = {
    **WINDOW, "total_calls": 18,
    "tools": [
        {"name": "grep", "call_count": 18, "error_count": 1, "error_rate": 5.56, "avg_duration_ms": 38.61,
         "p50_duration_ms": 31.06, "p95_duration_ms": 97.2, "p99_duration_ms": 97.2},
    ],
}  # fmt: skip
USERS = {
    **WINDOW, "total_messages": 42, "total_sessions": 1, "total_tokens": 100000,
    "users": [
        {"user_id": MEMBER, "name": "Ada", "messages": 42, "sessions": 1, "tokens": 100000, "cost_usd": "0.108450",
         "last_active_at": ENDED},
    ],
}  # fmt: skip
LINE = {
    "session_id": SESSION, "external_id": "run-7", "user_id": MEMBER, "session_type": None, "intake_type": None,
    "status": "open", "confidence_tier": None, "provider": "anthropic", "model": "claude-sonnet-4-5",
    "workspace": "tally", "created_at": BEGAN, "updated_at": ENDED, "first_activity_at": BEGAN,
    "last_activity_at": ENDED, "active_seconds": 5400.0, "user_messages": 18, "assistant_messages": 24,
    "other_messages": 0, "error_count": 1, "tool_calls": 18, "tool_errors": 1, **CLASSES, "total_tokens": 100000,
    "unpriced_messages": 0, "cost_usd": "0.108450", "models": {"anthropic/claude-sonnet-4-5": 24},
}  # fmt: skip
SESSIONS = {**WINDOW, "rows": [LINE], "next_cursor": None}
ONE_SESSION: dict[str, Any] = {
    "data_as_of": CHANGED, "session": LINE,
    "tool_calls": {"truncated": False, "rows": [
        {"id": "0196a0c2-2222-7a2b-8c3d-4e5f60718293", "name": "grep", "status": "success", "is_error": False,
         "occurred_at": BEGAN, "duration_ms": 31},
    ]},
    "steps": {"truncated": False, "rows": [
        {"id": "0196a0c2-3333-7a2b-8c3d-4e5f60718293", "created_at": ENDED, "step_order": 1, "step_type": "question",
         "confidence_at_step": 0.75, "input_tokens": None, "output_tokens": None, "is_fork_point": False,
         "was_free_text": True, "was_skipped": False},
    ]},
    "handoffs": {"truncated": False, "rows": [
        {"id": "0196a0c2-4444-7a2b-8c3d-4e5f60718293", "created_at": BEGAN, "handed_off_by": None, "intent": "refund",
         "priority": "high", "claimed_at": "2026-05-01T08:02:00Z", "claimed_by": MEMBER},
    ]},
}  # fmt: skip
SESSION_MESSAGES = {
    "data_as_of": CHANGED, "next_cursor": None,
    "rows": [
        {"id": "0196a0c2-5555-7a2b-8c3d-4e5f60718293", "created_at": BEGAN, "role": "assistant",
         "agent_name": "reviewer", "model_id": "anthropic/claude-sonnet-4-5", "status": "completed", "is_error": False,
         "error_kind": None, "response_time_ms": 1510, "input_tokens": 12, "output_tokens": 340,
         "cache_read_tokens": 9000, "cache_creation_tokens": 0, "total_tokens": 9352, "cost_usd": "0.007836"},
    ],
}  # fmt: skip
REACTION = {
    "n_handoffs_claimed": 3, "n_handoffs_with_action": 3, "avg_seconds_to_first_action": 90.0,
    "median_seconds_to_first_action": 60.0, "p95_seconds_to_first_action": 180.0,
}  # fmt: skip
ESCALATIONS = {
    **WINDOW, "start_date": "2026-04-25T00:00:00Z", "period": "7d", **REACTION, "n_handoffs_total": 4,
    "n_unclaimed": 1, "median_seconds_to_claim": 120.0, "p95_seconds_to_claim": 300.0,
    "metric_definition": "Seconds from a handoff's claim to the first step of its session after it. This is no time"
    " saved: pair any savings claim with a manual baseline.",
    "distribution": [{"from_seconds": 0, "below_seconds": 60, "n_handoffs": 1}],
    "by_intent": [{"intent": "refund", **REACTION}], "by_priority": [{"priority": "high", **REACTION}],
    "daily": [
        {"date": "2026-05-01", "n_handoffs_total": 4, "n_handoffs_claimed": 3, "n_handoffs_with_action": 3,
         "median_seconds_to_first_action": 60.0},
    ],
}  # fmt: skip
SIGNALS = {
    "friction": 4, "interruptions": 2, "rejected_tools": 1, "api_errors": 0, "retries": 1, "compactions": 1,
    "commands": 3, "skills": 0, "sub_agents": 2,
}  # fmt: skip
FRICTION: dict[str, Any] = {
    **WINDOW, "totals": {**SIGNALS, "sessions": 1},
    "sessions": [
        {**SIGNALS, "session_id": SESSION, "external_id": "run-7", "user_id": MEMBER, "workspace": "tally",
         "created_at": BEGAN, "updated_at": ENDED},
    ],
}  # fmt: skip

# By operation id.
EXAMPLES: Mapping[str, dict[str, Any]] = {
    "read_usage": USAGE,
    "read_agents": AGENTS,
    "read_models": MODELS,
    "read_summary": SUMMARY,
    "read_tools": TOOLS,
    "read_user_usage": USERS,
    "read_sessions": SESSIONS,
    "read_session": ONE_SESSION,
    "read_session_messages": SESSION_MESSAGES,
    "read_escalations": ESCALATIONS,
    "read_friction": FRICTION,
}
