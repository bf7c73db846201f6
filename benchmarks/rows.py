"""Rows as producers send them: sessions of forty messages, half of them answers, seven seconds apart, up to now."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.facts.admission import admit
from app.facts.entry import BOOK
from app.facts.kinds import MESSAGE
from app.facts.members import Sender
from app.facts.resolution import Resolver
from app.facts.write import Facts

A_BATCH, A_SESSION, APART = 1_000, 40, timedelta(seconds=7)
MODELS = (
    ("claude-sonnet-4-5-20250929", "anthropic"),
    ("gpt-5", "openai"),
    ("claude-opus-4-5", "anthropic"),
    ("gemini-2.5-pro", "google"),
    ("qwen3-coder.gguf", None),
)
AGENTS = ("triage", "coder", "reviewer", "planner", "ops", "writer")
Batch = dict[str, list[dict[str, Any]]]


def batches(seed: int, number: int) -> list[Batch]:
    """So many batches of a thousand messages each, with their sessions; no other seed has a session of theirs."""
    random = Random(seed)
    began = datetime.now(UTC).replace(microsecond=0) - number * A_BATCH * APART
    return [batch(random, f"{seed}-{n}", began + n * A_BATCH * APART) for n in range(number)]


def batch(random: Random, name: str, began: datetime) -> Batch:
    rows: Batch = {"sessions": [], "messages": []}
    for place in range(A_BATCH):
        session, at = f"{name}-{place // A_SESSION}", began + place * APART
        if place % A_SESSION == 0:
            rows["sessions"].append({"id": session, "created_at": at, "session_type": "guided"})
        known = {"session_id": session, "id": f"m{place}", "created_at": at}
        rows["messages"].append({**known, **(answer(random, at) if place % 2 else {"role": "user"})})
    return rows


def answer(random: Random, at: datetime) -> dict[str, Any]:
    model, provider = random.choice(MODELS)
    return {
        "role": "assistant",
        "agent_name": random.choice(AGENTS),
        "model_id": model,
        "provider": provider,
        "is_error": random.random() < 0.02,
        "response_time_ms": round(random.lognormvariate(8, 0.6)),
        "started_at": at,
        "completed_at": at + timedelta(seconds=3),
        "input_tokens": random.randint(1, 9_000),
        "output_tokens": random.randint(1, 900),
        "cache_read_tokens": random.randint(0, 90_000),
        "cache_creation_tokens": random.randint(0, 900),
    }


async def facts(account: UUID, user: UUID, sent: Batch) -> Facts:
    """What the writer is given once the API has read and priced these rows."""
    sender = Sender(account, user, is_admin=True)
    # Of lists of their own: reading empties them, and these rows are to be written more than once.
    rows = await admit({kind: [*rows] for kind, rows in sent.items()})
    return Resolver(sender, {}, BOOK, datetime.now(UTC), str).facts(rows)


COLUMNS = ("account_id", *MESSAGE.names)
PLACE = MESSAGE.names.index("user_id")


def records(account: UUID, user: UUID, written: Facts) -> Sequence[tuple[Any, ...]]:
    """The same messages for COPY, in COLUMNS."""
    return [(account, *message[:PLACE], user, *message[PLACE + 1 :]) for message in written.messages]
