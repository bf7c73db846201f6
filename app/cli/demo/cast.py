"""Who plays in the demo's story: agents, models, tools, and what goes wrong with them."""

from typing import NamedTuple


class Model(NamedTuple):
    """A model as it behaves: a typical response time with its spread, and how it counts what it remembers."""

    name: str
    provider: str
    median_ms: float
    spread: float
    writes_cache: bool


class Agent(NamedTuple):
    """What an agent works with; `guided` and `handoff` are how often its sessions are, and how often they end so."""

    name: str
    share: float
    models: dict[str, float]
    tools: tuple[str, ...]
    guided: float
    handoff: float


MODELS = {
    model.name: model
    for model in (
        Model("claude-sonnet-4-5", "anthropic", 3_200, 0.55, writes_cache=True),
        Model("claude-opus-4-5", "anthropic", 5_400, 0.60, writes_cache=True),
        Model("gpt-5", "openai", 7_800, 0.70, writes_cache=False),
        Model("gpt-5-mini", "openai", 1_900, 0.50, writes_cache=False),
        Model("gemini-2.5-pro", "google", 4_100, 0.60, writes_cache=False),
    )
}
CODE = ("read_file", "edit_file", "run_tests", "search_code", "shell")
DESK = ("search_docs", "query_database", "create_ticket", "send_email")
AGENTS = (
    Agent("code-assistant", 34, {"claude-sonnet-4-5": 8, "claude-opus-4-5": 3}, CODE, 0.0, 0.01),
    Agent("code-reviewer", 16, {"claude-opus-4-5": 6, "gpt-5": 2}, CODE[:1] + CODE[3:], 0.0, 0.01),
    Agent("support-guide", 24, {"gpt-5-mini": 6, "claude-sonnet-4-5": 3}, DESK, 0.55, 0.30),
    Agent("incident-analyst", 8, {"gpt-5": 4, "claude-opus-4-5": 2}, ("query_logs", *DESK[1:3], "shell"), 0.30, 0.35),
    Agent("research", 12, {"gemini-2.5-pro": 7, "gpt-5": 1}, ("web_search", "fetch_page", "search_docs"), 0.0, 0.02),
    Agent("release-notes", 6, {"gpt-5-mini": 5, "gemini-2.5-pro": 1}, ("search_code", "create_ticket"), 0.0, 0.0),
)
# A typical duration in milliseconds, and how often it fails.
TOOLS = {
    "read_file": (35, 0.010),
    "edit_file": (60, 0.030),
    "run_tests": (14_000, 0.110),
    "search_code": (220, 0.008),
    "shell": (900, 0.070),
    "search_docs": (310, 0.006),
    "query_database": (480, 0.025),
    "query_logs": (1_600, 0.030),
    "create_ticket": (650, 0.015),
    "send_email": (420, 0.010),
    "web_search": (1_300, 0.020),
    "fetch_page": (1_900, 0.060),
}
MISHAPS = {"rate_limited": 5, "timeout": 4, "overloaded": 3, "context_too_long": 2, "invalid_request": 1}
OUTAGE = {"overloaded": 7, "timeout": 4, "rate_limited": 1}
INTAKES = {"web": 5, "slack": 4, "cli": 3, "api": 2}
QUESTIONS = {"question": 5, "choice": 4, "confirmation": 2, "form": 1}
INTENTS = {"bug_report": 5, "billing_question": 4, "access_request": 4, "needs_approval": 3, "policy_exception": 1}
# These work on their users' machines and leave logs there, each in its maker's form.
LOGGED = ("code-assistant", "code-reviewer")
FORMS = {"anthropic": "claude_code", "openai": "codex"}
# By the kind of a log's line, how often it is, or is followed by, one of these.
SIGNALS = {
    "user": {"interruptions": 0.05, "commands": 0.07},
    "assistant": {"retries": 0.02, "compactions": 0.006, "sub_agents": 0.02},
    "failed": {"api_errors": 1.0, "retries": 0.75},
    "tool_calls": {"rejected_tools": 0.02, "skills": 0.03},
}
# How often, and after how many minutes a person typically takes over.
PRIORITIES = {"low": 3, "normal": 9, "high": 4, "urgent": 1}
MINUTES_TO_CLAIM = {"low": 150.0, "normal": 38.0, "high": 11.0, "urgent": 3.5}
WORKSPACES = ("atlas", "billing", "mobile-app", "platform", "website")
# Of a local day: the share of its sessions that begin in each hour.
HOURS = (1, 1, 0.5, 0.5, 0.5, 1, 3, 8, 22, 40, 46, 42, 26, 34, 45, 44, 38, 27, 14, 8, 6, 5, 4, 2)
WEEKDAYS = (0.96, 1.08, 1.10, 1.06, 0.84, 0.16, 0.12)
