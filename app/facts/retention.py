"""How long facts are kept. Rollups stay for ever; what was counted and then deleted never comes in again."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.facts.calendar import Calendar


def horizon(settings: Mapping[str, Any], calendar: Calendar, now: datetime) -> datetime | None:
    """The start of the oldest local day whose facts are kept; None where all are.

    Never before what a retention run has already cleared, even if the account has since asked to keep more: a row
    from there may have been counted.
    """
    cleared: datetime | None = settings["facts_from"]
    if not settings["retention_days"]:
        return cleared
    due = calendar.start(calendar.day(now) - timedelta(days=settings["retention_days"]))
    return due if cleared is None else max(due, cleared)
