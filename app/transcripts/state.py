"""What is remembered of each log and processor: what waits, how far it came, what went wrong."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from app.db.engine import Tx
from app.transcripts.formats.lines import Problem
from app.transcripts.processors.contract import MOST_PROBLEMS, Processor

MOST_ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
# True until the log is read on: said of what stood at its end.
PASSING = {"unfinished", "undated"}
AT_ONCE = 100

JOINED = """
    transcripts t LEFT JOIN processor_state s ON s.account_id = $1 AND s.transcript_id = t.id AND s.processor = $2
    WHERE t.account_id = $1 AND t.storage_key IS NOT NULL
"""
UNREAD = "(s.transcript_id IS NULL OR s.version <> $3 OR s.sha256 IS DISTINCT FROM t.sha256)"
SET_ASIDE = "coalesce(s.version = $3 AND s.quarantined_at IS NOT NULL, false)"
RESTING = "coalesce(s.version = $3 AND s.next_attempt_at > $4, false)"
DUE = f"""
    SELECT t.id, t.user_id, t.name, t.sha256, t.size, t.form, t.storage_key,
        (SELECT account_role IN ('admin', 'owner') FROM users u WHERE u.account_id = $1 AND u.id = t.user_id)
            AS is_admin,
        s.version, s.sha256 AS read_sha256, s.byte_offset, s.carried, s.attempts, s.items, s.problems
    FROM {JOINED} AND {UNREAD} AND NOT {SET_ASIDE} AND NOT {RESTING} AND t.id <> ALL ($5)
    ORDER BY t.uploaded_at, t.id LIMIT {AT_ONCE}
"""
BACKLOG = f"""
    SELECT count(*) FILTER (WHERE {UNREAD} AND NOT {SET_ASIDE}) AS waiting,
        count(*) FILTER (WHERE {UNREAD} AND NOT {SET_ASIDE} AND s.version = $3 AND s.attempts > 0) AS failing,
        count(*) FILTER (WHERE {SET_ASIDE}) AS quarantined,
        min(t.uploaded_at) FILTER (WHERE {UNREAD} AND NOT {SET_ASIDE}) AS waiting_since
    FROM {JOINED}
"""
QUARANTINED = f"""
    SELECT t.id AS transcript_id, t.user_id, t.name, s.attempts, s.last_error, s.quarantined_at
    FROM {JOINED} AND {SET_ASIDE} ORDER BY s.quarantined_at, t.id LIMIT $4
"""
RELEASE = """
    UPDATE processor_state SET attempts = 0, next_attempt_at = NULL, quarantined_at = NULL
    WHERE account_id = $1 AND processor = $2 AND quarantined_at IS NOT NULL
        AND ($3::uuid IS NULL OR transcript_id = $3)
"""
# New content is another file: what failed with the old may go well with it.
FORGIVE = """
    UPDATE processor_state SET attempts = 0, next_attempt_at = NULL, quarantined_at = NULL
    WHERE account_id = $1 AND transcript_id = $2 AND (attempts > 0 OR quarantined_at IS NOT NULL)
"""
# Only where it still stands as it was when the log was looked at: of two who read the same portion one is too late.
SAVE = """
    INSERT INTO processor_state AS f (account_id, transcript_id, processor, version, sha256, byte_offset, carried,
        attempts, last_error, next_attempt_at, quarantined_at, processed_at, items, problems)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (account_id, transcript_id, processor) DO UPDATE SET version = excluded.version,
        sha256 = excluded.sha256, byte_offset = excluded.byte_offset, carried = excluded.carried,
        attempts = excluded.attempts, last_error = excluded.last_error, next_attempt_at = excluded.next_attempt_at,
        quarantined_at = excluded.quarantined_at, items = excluded.items, problems = excluded.problems,
        processed_at = coalesce(excluded.processed_at, f.processed_at)
    WHERE f.version = $15 AND f.byte_offset = $16 AND f.sha256 IS NOT DISTINCT FROM $17 AND f.attempts = $18
    RETURNING true
"""
# Whoever finishes a log asks whether the others have: one at a time, or neither sees the other.
LOCK = "SELECT id FROM transcripts WHERE account_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
FINISH = """
    UPDATE transcripts t SET processed_at = $4,
        storage_key = CASE WHEN a.keep_transcripts THEN t.storage_key END
    FROM accounts a
    WHERE t.account_id = $1 AND t.id = $2 AND t.sha256 = $3 AND a.id = $1 AND cardinality($5::text[]) = (
        SELECT count(*) FROM processor_state s JOIN unnest($5::text[], $6::int[]) AS p (name, version)
            ON p.name = s.processor AND p.version = s.version
        WHERE s.account_id = $1 AND s.transcript_id = $2 AND s.sha256 = $3)
    RETURNING CASE WHEN new.storage_key IS NULL THEN old.storage_key END
"""


class Superseded(Exception):
    """The log was deleted, or somebody else has read on meanwhile."""


@dataclass(frozen=True)
class State:
    """How far one processor has come with one log, as it is to be remembered."""

    version: int
    sha256: str | None = None
    byte_offset: int = 0
    carried: Mapping[str, Any] | None = None
    attempts: int = 0
    last_error: str | None = None
    next_attempt_at: datetime | None = None
    quarantined_at: datetime | None = None
    processed_at: datetime | None = None
    items: int = 0
    problems: Sequence[Mapping[str, Any]] = ()


# Nothing is remembered yet: no row of the table has this version.
UNSEEN = State(version=-1)


@dataclass(frozen=True)
class File:
    """A log as it was when it was looked at, and what was remembered of it."""

    id: UUID
    user_id: UUID
    name: str
    sha256: str
    size: int
    form: str | None
    storage_key: str
    is_admin: bool
    state: State


async def due(tx: Tx, processor: Processor, now: datetime, seen: Collection[UUID]) -> list[File]:
    """Some of the logs that a processor has not read to their end, longest waiting first."""
    rows = await tx.driver.fetch(DUE, tx.account, processor.name, processor.version, now, list(seen))
    return [file_of(row) for row in rows]


def file_of(row: Any) -> File:
    state = UNSEEN
    if row["version"] is not None:
        state = State(
            version=row["version"],
            sha256=row["read_sha256"],
            byte_offset=row["byte_offset"],
            carried=row["carried"],
            attempts=row["attempts"],
            items=row["items"],
            problems=row["problems"],
        )
    names = ("id", "user_id", "name", "sha256", "size", "form", "storage_key", "is_admin")
    return File(**{name: row[name] for name in names}, state=state)


async def save(tx: Tx, file: File, processor: Processor, state: State) -> None:
    """Raises Superseded where it no longer stands as it did in `file`."""
    was = file.state
    carried = None if state.carried is None else orjson.dumps(state.carried).decode()
    values = (
        *(state.version, state.sha256, state.byte_offset, carried, state.attempts, state.last_error),
        *(state.next_attempt_at, state.quarantined_at, state.processed_at, state.items),
        orjson.dumps(list(state.problems)).decode(),
    )
    expected = was.version, was.byte_offset, was.sha256, was.attempts
    if not await tx.driver.fetchval(SAVE, tx.account, file.id, processor.name, *values, *expected):
        raise Superseded


def failed(was: State, processor: Processor, why: str, now: datetime) -> State:
    """Where it had come stays; it rests the longer the oftener it failed, and in the end it is set aside."""
    known = was if was.version == processor.version else State(processor.version)
    attempts = known.attempts + 1
    aside = attempts >= MOST_ATTEMPTS
    return State(
        version=processor.version,
        sha256=known.sha256,
        byte_offset=known.byte_offset,
        carried=known.carried,
        attempts=attempts,
        last_error=why[:200],
        next_attempt_at=None if aside else now + min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE),
        quarantined_at=now if aside else None,
        items=known.items,
        problems=known.problems,
    )


def lasting(problems: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that reading on does not change."""
    return [problem for problem in problems if problem["code"] not in PASSING]


def merged(old: Sequence[Mapping[str, Any]], new: Sequence[Problem]) -> list[Mapping[str, Any]]:
    """Each problem once, the first hundred."""
    found = {(p["line"], p["code"]): p for p in old}
    for problem in new:
        found.setdefault((problem.line, problem.code), problem._asdict())
    return list(found.values())[:MOST_PROBLEMS]


async def finish(tx: Tx, file: File, everybody: Collection[Processor], now: datetime) -> str | None:
    """Once all have read it: the log is processed, and the key of its raw file where that is not kept."""
    names, versions = [p.name for p in everybody], [p.version for p in everybody]
    key: str | None = await tx.driver.fetchval(FINISH, tx.account, file.id, file.sha256, now, names, versions)
    return key
