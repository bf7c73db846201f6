"""What an account's facts and rollups must be, worked out from scratch from every row it was ever sent.

Plain and slow on purpose: each value is a maximum, a minimum or a sum over all reports, without any notion of order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from app.facts.latency import bucket
from app.facts.prices import VERSION, PriceBook, Tokens

Row = dict[str, Any]
Table = dict[Any, Row]
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
NAMES = ("session_type", "intake_type", "status", "confidence_tier", "provider", "model", "workspace")
FLAGS = ("is_fork_point", "was_free_text", "was_skipped")
NOBODY = UUID(int=0)
BOOK = PriceBook()
ACCOUNT = ("account", "")
NO_MESSAGES = dict.fromkeys(("messages", "errors", *TOKENS, "timed", "response_ms", "cost_micros", "unpriced"), 0)
NOTHING = NO_MESSAGES | dict.fromkeys(("sessions_created", "sessions_active", "sessions_updated"), 0)
TIMED = ("agent", "model", "tool")


@dataclass(frozen=True)
class Report:
    """One row as a producer sent it: by whom, and when it came."""

    kind: str
    row: Mapping[str, Any]
    sender: UUID
    at: datetime
    by_admin: bool = True

    def __getitem__(self, name: str) -> Any:
        return self.row.get(name)

    def time(self, name: str) -> datetime | None:
        said = self.row.get(name)
        return None if said is None else datetime.fromisoformat(said).astimezone(UTC)

    def times(self, *names: str) -> Iterator[datetime]:
        return (time for name in names if (time := self.time(name)) is not None)


@dataclass
class Oracle:
    """Everything Tally must say of one account. `members`: users by every name they may be called by."""

    account: UUID
    zone: str
    members: Mapping[str, UUID]
    reports: Sequence[Report]
    tables: dict[str, Table] = field(default_factory=dict)

    def answer(self) -> dict[str, Table]:
        self.tables = {"ai_sessions": {self.key("session", name): self.session(name) for name in self.names()}}
        for kind, table, merge in (
            ("messages", "messages", self.message),
            ("tool_calls", "tool_calls", self.call),
            ("steps", "ai_session_steps", self.step),
            ("handoffs", "session_handoffs", self.handoff),
        ):
            self.tables[table] = {id_: merge(reports) for id_, reports in self.grouped(kind).items()}
        for id_, session in self.tables["ai_sessions"].items():
            session.update(self.totals(id_))
        return self.tables | self.rollups()

    def key(self, *names: str) -> UUID:
        return uuid5(self.account, "\0".join(names))

    def day(self, instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(self.zone)).date()

    def names(self) -> set[str]:
        return {report["id" if report.kind == "sessions" else "session_id"] for report in self.reports}

    def grouped(self, kind: str) -> dict[UUID, list[Report]]:
        said = {"messages": "message", "tool_calls": "tool call", "steps": "step", "handoffs": "handoff"}[kind]
        groups: dict[UUID, list[Report]] = {}
        for report in self.reports:
            if report.kind == kind:
                anywhere, here = (f"{said} anywhere", report["global_id"]), (said, report["session_id"], report["id"])
                groups.setdefault(self.key(*(anywhere if report["global_id"] else here)), []).append(report)
        return groups

    def session(self, name: str) -> Row:
        stated = [r for r in self.reports if r.kind == "sessions" and r["id"] == name]
        spoken = [r for r in self.reports if r.kind != "sessions" and r["session_id"] == name]
        times = [t for r in spoken for t in r.times(*MENTIONS[r.kind])]
        arrivals = [r.at for r in spoken if not list(r.times(*MENTIONS[r.kind]))]
        said = {id(r): most(r.times("updated_at")) or least(r.times("created_at")) for r in stated}
        row: Row = {
            "external_id": name,
            "is_stub": not stated,
            "created_at": least(t for r in stated for t in r.times("created_at")) or min(times or arrivals),
            "updated_at": max([*said.values(), *times], default=datetime(1970, 1, 1, tzinfo=UTC)),
        }
        owners = []
        for r in [*stated, *spoken]:
            member = self.members.get(r["user_id"] or r["user_email"] or "") if r.kind == "sessions" else None
            sent_on = datetime(1970, 1, 1 if r.by_admin else 2, tzinfo=UTC)
            owners.append((said[id(r)], member) if member else (sent_on, r.sender))
        row["user_id_at"], row["user_id"] = max(owners)
        for column in NAMES:
            latest = max([(said[id(r)], r[column]) for r in stated if r[column]], default=(None, None))
            row[f"{column}_at"], row[column] = latest
        return row

    def placed(self, reports: list[Report]) -> Row:
        """Where it belongs: the smallest of the sessions that report it, and that session's member."""
        name = min(r["session_id"] for r in reports)
        session = self.key("session", name)
        return {
            "session_key": name if reports[0]["global_id"] else None,
            "session_id": session,
            "user_id": self.tables["ai_sessions"][session]["user_id"],
        }

    def message(self, reports: list[Report]) -> Row:
        status = furthest(reports, "running", "completed", "failed", default="completed")
        row: Row = self.placed(reports) | {
            "role": most(r["role"] for r in reports),
            "status": status,
            "is_error": status == "failed" or any(r["is_error"] or r["error_kind"] for r in reports),
            "created_at": least(t for r in reports for t in r.times("created_at")),
            **{name: most(r[name] for r in reports) for name in ("error_kind", "agent_name", "model_id", "provider")},
            **tokens_of(reports),
            **span(reports),
            "given_response_ms": most(whole(r["response_time_ms"]) for r in reports),
        }
        row["response_time_ms"] = duration(row, "given_response_ms")
        tokens = Tokens(*(row[name] for name in TOKENS))._replace(for_an_hour=row["cache_creation_1h_tokens"] or 0)
        row["cost_micros"] = BOOK.micros(row["provider"], row["model_id"], row["created_at"], tokens)
        row["price_version"] = VERSION if row["cost_micros"] else None
        return row

    def call(self, reports: list[Report]) -> Row:
        status = furthest(reports, "running", "success", "error", default="success")
        row: Row = self.placed(reports) | {
            "message_id": most(r["message_id"] for r in reports),
            "name": most(r["name"] for r in reports),
            "status": status,
            "is_error": status == "error" or any(r["is_error"] for r in reports),
            **span(reports),
            "received_at": min(r.at for r in reports),
            "given_duration_ms": most(whole(r["duration_ms"]) for r in reports),
        }
        row["occurred_at"] = row["started_at"] or row["completed_at"] or row["received_at"]
        row["duration_ms"] = duration(row, "given_duration_ms")
        return row

    def step(self, reports: list[Report]) -> Row:
        numbers = ("step_order", "step_type", "confidence_at_step", "input_tokens", "output_tokens")
        return {
            "session_id": self.key("session", reports[0]["session_id"]),
            "created_at": least(t for r in reports for t in r.times("created_at")),
            **{name: most(r[name] for r in reports) for name in numbers},
            **{name: any(r[name] for r in reports) for name in FLAGS},
        }

    def handoff(self, reports: list[Report]) -> Row:
        unclaimed = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
        claims = [
            (r.time("claimed_at") or unclaimed[0], self.members.get(r["claimed_by"]) or unclaimed[1]) for r in reports
        ]
        claim = [None if part == none else part for part, none in zip(min(claims), unclaimed, strict=True)]
        return {
            "session_id": self.key("session", reports[0]["session_id"]),
            "created_at": least(t for r in reports for t in r.times("created_at")),
            "handed_off_by": most(self.members.get(r["handed_off_by"]) for r in reports),
            "intent": most(r["intent"] for r in reports),
            "priority": most(r["priority"] for r in reports),
            "claimed_at": claim[0],
            "claimed_by": claim[1],
        }

    def totals(self, session: UUID) -> Row:
        messages = [m for m in self.tables["messages"].values() if m["session_id"] == session]
        calls = [c for c in self.tables["tool_calls"].values() if c["session_id"] == session]
        roles = Counter(m["role"] for m in messages)
        times = sorted(m["created_at"] for m in messages)
        gaps = [b - a for a, b in pairwise(times) if b - a <= timedelta(seconds=600)]
        return {
            "user_messages": roles["user"],
            "assistant_messages": roles["assistant"],
            "other_messages": roles["system"] + roles["tool"],
            "error_count": sum(m["is_error"] for m in messages),
            "tool_calls": len(calls),
            "tool_errors": sum(c["is_error"] for c in calls),
            **{name: sum(m[name] for m in messages) for name in TOKENS},
            "cost_micros": sum(m["cost_micros"] or 0 for m in messages),
            "unpriced_messages": sum(m["cost_micros"] is None for m in messages),
            "models": dict(Counter(m["model_id"] for m in messages if m["model_id"])),
            "first_activity_at": least(times),
            "last_activity_at": most(times),
            "active_us": sum(gaps, timedelta()) // timedelta(microseconds=1),
        }

    def rollups(self) -> dict[str, Table]:
        messages, calls = self.tables["messages"].values(), self.tables["tool_calls"].values()
        of_day = [(self.day(m["created_at"]), m) for m in messages]
        sessions = [(self.day(s["created_at"]), s["user_id"]) for s in self.tables["ai_sessions"].values()]
        active = {(d, m["session_id"]) for d, m in of_day}
        lines = [((d, *line), counted(m), ms(m, line[0])) for d, m in of_day for line in lines_of(m)]
        lines += [((self.day(c["occurred_at"]), "tool", c["name"] or ""), called(c), c["duration_ms"]) for c in calls]
        begun = [((d, *line), {"sessions_created": 1}) for d, user in sessions for line in (ACCOUNT, member(user))]
        begun += [((d, *ACCOUNT), {"sessions_active": 1}) for d, _ in active]
        updated = [self.day(s["updated_at"]) for s in self.tables["ai_sessions"].values()]
        begun += [((d, *ACCOUNT), {"sessions_updated": 1}) for d in updated]
        subjects = tally([*((key, row) for key, row, _ in lines), *begun])
        times = histogram((key, milliseconds) for key, _, milliseconds in lines)
        by_week = [
            ((d - timedelta(d.weekday()), *line), row, took) for (d, *line), row, took in lines if line[0] in TIMED
        ]
        weeks, week_times = (
            tally((key, row) for key, row, _ in by_week),
            histogram((key, took) for key, _, took in by_week),
        )
        return {
            "usage_days": tally(
                ((d, m["agent_name"] or "", m["model_id"] or "", m["role"]), counted(m)) for d, m in of_day
            ),
            "member_days": tally(((d, m["user_id"] or NOBODY, m["model_id"] or ""), counted(m)) for d, m in of_day),
            "session_days": tally(((d, m["session_id"]), {"messages": 1}) for d, m in of_day),
            "subject_days": {key: NOTHING | row | {"histogram": times[key]} for key, row in subjects.items()},
            "subject_weeks": {key: NO_MESSAGES | row | {"histogram": week_times[key]} for key, row in weeks.items()},
            "account_hours": tally(((begun_at(m),), counted(m)) for m in messages),
            "session_hours": tally(((begun_at(m), m["session_id"]), {"messages": 1}) for m in messages),
        }


def begun_at(m: Row) -> datetime:
    """The hour by the clock in Greenwich."""
    at = m["created_at"].astimezone(UTC)
    return datetime(at.year, at.month, at.day, at.hour, tzinfo=UTC)


def member(user: UUID | None) -> tuple[str, str]:
    return "member", str(user or "")


def lines_of(m: Row) -> Iterator[tuple[str, str]]:
    """The lines of reports that a message counts in."""
    yield from (ACCOUNT, member(m["user_id"]))
    if m["model_id"]:
        yield "model", m["model_id"]
    if m["role"] == "assistant":
        yield "agent", m["agent_name"] or ""


def ms(m: Row, subject: str) -> int | None:
    return m["response_time_ms"] if subject in ("agent", "model") else None


MENTIONS = {
    "messages": ("created_at", "completed_at"),
    "tool_calls": ("started_at", "completed_at"),
    "steps": ("created_at",),
    "handoffs": ("created_at", "claimed_at"),
}


def most(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def least(values: Iterable[Any]) -> Any:
    return min((value for value in values if value is not None), default=None)


def whole(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds)


def tokens_of(reports: list[Report]) -> Row:
    """All of one report where ranks are given: the smallest rank's with most tokens. Else of each class the most."""
    ranks = [r["usage_rank"] for r in reports if r["usage_rank"] is not None]
    best = [r for r in reports if ranks and r["usage_rank"] == min(ranks)]
    names = [*TOKENS, "cache_creation_1h_tokens"]
    if best:
        said = max(([r[name] or 0 for name in names] for r in best), key=lambda counts: (sum(counts[:4]), counts))
    else:
        said = [most(r[name] or 0 for r in reports) for name in names]
    return dict(zip(names, [*said[:4], said[4] or None], strict=True)) | {"usage_rank": min(ranks, default=None)}


def furthest(reports: list[Report], *states: str, default: str) -> str:
    return max((r["status"] or default for r in reports), key=states.index)


def span(reports: list[Report]) -> Row:
    return {
        "started_at": least(t for r in reports for t in r.times("started_at")),
        "completed_at": most(t for r in reports for t in r.times("completed_at")),
    }


def duration(row: Row, given: str) -> int | None:
    """The given one, else from start to end, half a millisecond counting as a whole one."""
    if row[given] is not None or row["started_at"] is None or row["completed_at"] is None:
        return row[given]  # type: ignore[no-any-return]
    elapsed = (row["completed_at"] - row["started_at"]) // timedelta(microseconds=1)
    rounded = int((Decimal(elapsed) / 1000).to_integral_value(ROUND_HALF_UP))
    return min(rounded, 2**31 - 1) if elapsed >= 0 else None


def counted(m: Row) -> Row:
    return {
        "messages": 1,
        "errors": int(m["is_error"]),
        **{name: m[name] for name in TOKENS},
        "timed": int(m["response_time_ms"] is not None),
        "response_ms": m["response_time_ms"] or 0,
        "cost_micros": m["cost_micros"] or 0,
        "unpriced": int(m["cost_micros"] is None),
    }


def called(c: Row) -> Row:
    timed, took = int(c["duration_ms"] is not None), c["duration_ms"] or 0
    return {"messages": 1, "errors": int(c["is_error"]), "timed": timed, "response_ms": took}


def tally(parts: Iterable[tuple[Any, Row]]) -> Table:
    sums: Table = {}
    for key, numbers in parts:
        known = sums.setdefault(key, {})
        for name, number in numbers.items():
            known[name] = known.get(name, 0) + number
    return sums


def histogram(times: Iterable[tuple[Any, int | None]]) -> defaultdict[Any, dict[int, int]]:
    found: defaultdict[Any, Counter[int]] = defaultdict(Counter)
    for key, milliseconds in times:
        if milliseconds is not None:
            found[key][bucket(milliseconds)] += 1
    return defaultdict(dict, {key: dict(counts) for key, counts in found.items()})
