"""One session of the demo's story: turns, tools, steps, and people taking over."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.cli.demo.cast import (
    INTENTS,
    MINUTES_TO_CLAIM,
    MISHAPS,
    MODELS,
    OUTAGE,
    QUESTIONS,
    TOOLS,
    Agent,
    Model,
)
from app.cli.demo.chance import around, chosen
from app.cli.demo.people import PEOPLE, Person

MOST_TURNS = 24
REMEMBERED = 180_000


@dataclass(frozen=True)
class Conditions:
    """What kind of day it is."""

    incident: bool
    slowness: float


@dataclass
class Session:
    """Plays itself from its beginning; then tells what of it had happened at some instant."""

    id: str
    began: datetime
    agent: Agent
    random: Random
    row: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.began
        self.model: Model = MODELS[chosen(self.random, self.agent.models)]
        self.guided = self.random.random() < self.agent.guided
        self.remembered = around(self.random, 14_000, 0.5)
        # Each row with the instant from which it is known.
        self.rows: dict[str, list[tuple[datetime, dict[str, Any]]]] = {
            kind: [] for kind in ("messages", "tool_calls", "steps", "handoffs")
        }

    def play(self, conditions: Conditions) -> None:
        turns = min(MOST_TURNS, 1 + round(around(self.random, 2.6, 0.8)))
        for turn in range(turns):
            self._add("messages", self.now, role="user", created_at=self.now)
            if self.guided:
                self._step(chosen(self.random, QUESTIONS), self.now)
            for _ in range(min(6, round(around(self.random, 1.9, 0.6)) or 1)):
                self._answer(conditions)
            self.now += timedelta(seconds=around(self.random, 55, 1.1) if turn < turns - 1 else 1)

    def hand_off(self, of: Person, priority: str) -> None:
        """A person is asked for; most are claimed, and most who claim do something soon."""
        asked, claimed = self.now, None
        claim = {}
        if self.random.random() < 0.91:
            claimed = asked + timedelta(minutes=around(self.random, MINUTES_TO_CLAIM[priority], 0.9))
            helper = self.random.choice([person for person in PEOPLE if person is not of and person.role != "viewer"])
            claim = {"claimed_at": claimed, "claimed_by": helper.email}
        self._add(
            "handoffs",
            asked,
            created_at=asked,
            handed_off_by=of.email,
            intent=chosen(self.random, INTENTS),
            priority=priority,
            **claim,
        )
        if claimed is not None and self.random.random() < 0.92:
            self.now = claimed + timedelta(seconds=around(self.random, 150, 1.0))
            self._step("human_action", self.now)

    def _answer(self, conditions: Conditions) -> None:
        ms = round(around(self.random, self.model.median_ms * conditions.slowness, self.model.spread))
        mishap: dict[str, str] = {}
        if self.random.random() < (0.22 if conditions.incident else 0.011):
            mishap = {"status": "failed", "error_kind": chosen(self.random, OUTAGE if conditions.incident else MISHAPS)}
        self.now += timedelta(milliseconds=ms)
        self._add(
            "messages",
            self.now,
            role="assistant",
            created_at=self.now,
            agent_name=self.agent.name,
            model_id=self.model.name,
            provider=self.model.provider,
            response_time_ms=ms,
            **self._tokens(failed=bool(mishap)),
            **mishap,
        )
        for _ in range(self.random.choice((0, 0, 1, 1, 2))):
            self._use(self.random.choice(self.agent.tools), conditions)

    def _tokens(self, *, failed: bool) -> dict[str, int]:
        """Agents read again what they know: most tokens come from the cache."""
        if failed:
            return {}
        fresh, made = round(around(self.random, 420, 0.8)), round(around(self.random, 310, 0.9))
        written = round(around(self.random, 1_500, 0.8))
        remembered = round(self.remembered)
        self.remembered = min(REMEMBERED, self.remembered + written + made)
        if self.model.writes_cache:
            return {
                "input_tokens": fresh,
                "output_tokens": made,
                "cache_read_tokens": remembered,
                "cache_creation_tokens": written,
            }
        return {"input_tokens": fresh + written, "output_tokens": made, "cache_read_tokens": remembered}

    def _use(self, tool: str, conditions: Conditions) -> None:
        median, failing = TOOLS[tool]
        ms = round(around(self.random, median, 0.7) + 1)
        failed = self.random.random() < failing * (3 if conditions.incident else 1)
        message = self.rows["messages"][-1][1]["id"]
        outcome = {"status": "error"} if failed else {}
        self._add(
            "tool_calls",
            self.now + timedelta(milliseconds=ms),
            message_id=message,
            name=tool,
            started_at=self.now,
            duration_ms=ms,
            **outcome,
        )
        self.now += timedelta(milliseconds=ms)

    def _step(self, kind: str, at: datetime) -> None:
        order = len(self.rows["steps"]) + 1
        self._add(
            "steps",
            at,
            created_at=at,
            step_order=order,
            step_type=kind,
            confidence_at_step=round(min(0.98, 0.45 + 0.07 * order + self.random.uniform(-0.1, 0.1)), 2),
            is_fork_point=self.random.random() < 0.15,
            was_free_text=self.random.random() < 0.35,
            was_skipped=self.random.random() < 0.06,
        )

    def _add(self, kind: str, known: datetime, /, **values: Any) -> None:
        """`known`: not told before."""
        row = {"session_id": self.id, "id": f"{kind[0]}{len(self.rows[kind]) + 1}", **values}
        self.rows[kind].append((known, row))

    def told(self, until: datetime) -> dict[str, list[dict[str, Any]]]:
        """What had happened by then; a claim still to come is not told yet."""
        if self.began > until:
            return {}
        told = {kind: [row for known, row in rows if known <= until] for kind, rows in self.rows.items()}
        told["handoffs"] = [claims_until(row, until) for row in told["handoffs"]]
        last = max((known for rows in self.rows.values() for known, _ in rows if known <= until), default=self.began)
        state = "active" if last < self.now and self.now > until else self._end(told["handoffs"])
        session = {
            "id": self.id,
            "created_at": self.began,
            "updated_at": last,
            "session_type": "guided" if self.guided else "chat",
            "status": state,
            "provider": self.model.provider,
            "model": self.model.name,
            **self.row,
        }
        return {"sessions": [session], **told}

    def _end(self, handoffs: list[dict[str, Any]]) -> str:
        if not handoffs:
            return "completed"
        return "resolved" if handoffs[0].get("claimed_at") else "escalated"


def claims_until(row: dict[str, Any], until: datetime) -> dict[str, Any]:
    if row.get("claimed_at", until) <= until:
        return row
    return {name: value for name, value in row.items() if not name.startswith("claimed_")}
