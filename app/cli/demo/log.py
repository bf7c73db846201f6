"""The logs that coding agents leave on their users' machines: what `tally push` tells of one, words left out."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any

from app.cli.demo.cast import FORMS, LOGGED, SIGNALS
from app.cli.demo.session import Session
from app.transcripts.formats.signals import mark

# A line says far more than is kept of it.
BYTES_A_LINE = 2_400


def log_of(session: Session, until: datetime) -> dict[str, Any] | None:
    """As known at `until`; None where the agent leaves none, or has not begun."""
    if session.agent.name not in LOGGED or session.began > until:
        return None
    told: dict[str, list[str]] = {}
    for known, name, signal in signals(session):
        if known <= until:
            told.setdefault(name, []).append(signal)
    lines = sum(known <= until for rows in session.rows.values() for known, _ in rows)
    return {
        "name": f"{session.row['workspace']}/{session.id}.jsonl",
        "sha256": sha256(f"{session.id} {lines}".encode()).hexdigest(),
        "size": lines * BYTES_A_LINE,
        "form": FORMS[session.model.provider],
        "sessions": [{"session_id": session.id, **told}],
    }


def signals(session: Session) -> Iterator[tuple[datetime, str, str]]:
    """When, what and its mark. A chance of their own: who is told of a session twice is told the same of it."""
    random = Random(f"{session.id} log")  # noqa: S311 - a story, no secret
    for kind, rows in session.rows.items():
        for known, row in rows:
            line = "failed" if row.get("status") == "failed" else row.get("role", kind)
            for name, odds in SIGNALS.get(line, {}).items():
                if random.random() < odds:
                    yield known, name, mark({"kind": name, "id": f"{session.id} {row['id']}"})
