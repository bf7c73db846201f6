"""One log, one processor: portion by portion, off the event loop, each with what it said written in one transaction.

A log that grew is read on from where it was left, if what was read is still its beginning; else from the start.
"""

import asyncio
import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.facts.admission import RowError, admit
from app.facts.entry import bring_in
from app.facts.identity import session_key
from app.facts.members import Sender, sessions_of_others
from app.facts.rows import ROWS
from app.facts.write import enter
from app.transcripts import friction
from app.transcripts.formats.lines import Problem
from app.transcripts.hands import Fault, Hand
from app.transcripts.names import stem
from app.transcripts.processors.contract import Lines, Processor, Result
from app.transcripts.state import LOCK, File, State, Superseded, finish, lasting, merged, save
from app.transcripts.storage import Gone, Storage, StorageAway

MIB = 2**20
PORTION, LARGEST_PORTION = MIB, 32 * MIB
MOST_CARRIED = 256 * 1024
MOST_ROWS = 20_000
LARGEST = 2**31 - 1
# Of these the rows are to blame; of all else that the database says, not.
UNSTORABLE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.CardinalityViolationError)
STORAGE_KEY = "SELECT storage_key FROM transcripts WHERE account_id = $1 AND id = $2"


@dataclass(frozen=True)
class Desk:
    """Where a processor works."""

    database: Database
    storage: Storage
    account: Mapping[str, Any]
    processor: Processor
    everybody: Collection[Processor]
    hand: Hand


@dataclass(frozen=True)
class Found:
    """What a portion says, and how its log stands once that is written."""

    file: File
    result: Result
    state: State
    from_start: bool


class Reading:
    """A log being read on from where it was left, or from its beginning."""

    def __init__(self, desk: Desk, file: File) -> None:
        self.file = file
        self._desk = desk
        self._carried: Mapping[str, Any] | None = None
        self._digest = hashlib.sha256()
        self._offset = 0

    @property
    def is_read(self) -> bool:
        state = self.file.state
        return state.version == self._desk.processor.version and state.sha256 == self.file.sha256

    async def begin(self) -> None:
        """Go on where it was left, if it is still the same log, and it still begins as it did."""
        file, kept = self.file, self.file.state.carried
        known = kept is not None and file.state.version == self._desk.processor.version and kept["form"] == file.form
        if kept is None or not known or not 0 < file.state.byte_offset <= file.size:
            return
        digest, end = hashlib.sha256(), file.state.byte_offset
        for start in range(0, end, PORTION):
            piece = await content(self._desk, file, start, min(start + PORTION, end))
            await digested(digest, piece)
        if digest.hexdigest() == kept["prefix"]:
            self._offset, self._carried, self._digest = end, kept["own"], digest

    async def step(self) -> int:
        """Read a portion and write what it says: how many items. Raises Fault, Superseded, or the database's."""
        found = await self.look()
        (self.file,) = await write(self._desk, [found])
        self._offset, self._carried = found.state.byte_offset, found.result.carried
        return found.result.items

    async def look(self) -> Found:
        """What the next portion says, and how far it is then read."""
        lines, result, reached = await self._portion()
        await digested(self._digest, lines.content[: reached - self._offset])
        was = self.file.state if self._offset else State(self._desk.processor.version)
        state = State(
            version=self._desk.processor.version,
            sha256=self.file.sha256 if lines.is_end else None,
            byte_offset=reached,
            carried={"form": self.file.form, "prefix": self._digest.hexdigest(), "own": result.carried},
            processed_at=datetime.now(UTC) if lines.is_end else None,
            items=min(was.items + result.items, LARGEST),
            problems=merged(lasting(was.problems), result.problems),
        )
        return Found(self.file, result, state, from_start=self._offset == 0)

    async def _portion(self) -> tuple[Lines, Result, int]:
        """As much as is needed to come on: a line may be longer than a portion."""
        size = PORTION
        while size <= LARGEST_PORTION:
            stop = min(self._offset + size, self.file.size)
            piece = await content(self._desk, self.file, self._offset, stop)
            lines = Lines(piece, self._offset, is_end=stop == self.file.size)
            known = context(self._desk, self.file, self._carried)
            result = checked(await self._desk.hand.process(lines, known), lines)
            reached = lines.whole if result.offset is None else result.offset
            if reached > self._offset or lines.is_end:
                return lines, result, reached
            size *= 2
        raise Fault(f"It made nothing of {LARGEST_PORTION // MIB} MiB.")


async def digested(digest: Any, piece: bytes) -> None:
    """A thread for little costs more than it spares."""
    if len(piece) <= MIB // 8:
        digest.update(piece)
    else:
        await asyncio.to_thread(digest.update, piece)


async def content(desk: Desk, file: File, start: int, stop: int) -> bytes:
    try:
        return await desk.storage.read(file.storage_key, start, stop)
    except Gone:
        async with desk.database.transaction(desk.account["id"], read_only=True) as tx:
            if await tx.driver.fetchval(STORAGE_KEY, tx.account, file.id) != file.storage_key:
                raise Superseded from None
        raise Fault("The stored file is gone.") from None
    except StorageAway:
        raise
    except OSError:
        raise Fault("The stored file cannot be read.") from None


def context(desk: Desk, file: File, carried: Mapping[str, Any] | None) -> dict[str, Any]:
    """All of a Context but its label."""
    return {
        "account_id": desk.account["id"],
        "user_id": file.user_id,
        "transcript_id": file.id,
        "form": file.form,
        "stem": stem(file.name),
        "carried": carried,
    }


def checked(result: object, lines: Lines) -> Result:
    """The result, if it is one."""
    if not isinstance(result, Result):
        raise Fault(f"It returned {type(result).__name__} instead of a Result.")
    reached = lines.whole if result.offset is None else result.offset
    rows = result.rows
    rules: dict[str, Callable[[], bool]] = {
        "items": lambda: type(result.items) is int and 0 <= result.items < 2**31,
        "offset": lambda: type(reached) is int and lines.offset <= reached <= lines.offset + len(lines.content),
        "rows": lambda: rows.keys() <= ROWS.keys() and sum(map(len, rows.values())) <= MOST_ROWS,
        "problems": lambda: all(map(is_problem, result.problems)),
        "friction": lambda: all(
            each.keys() <= set(friction.NAMES) and all(type(mark) is str for marks in each.values() for mark in marks)
            for each in (result.friction or {}).values()
        ),
        "carried": lambda: len(orjson.dumps(result.carried)) <= MOST_CARRIED,
    }
    for name, rule in rules.items():
        try:
            good = rule()
        except (TypeError, ValueError, AttributeError):
            good = False
        if not good:
            raise Fault(f"Its result's {name} cannot be taken.")
    return result


def is_problem(said: object) -> bool:
    return (
        isinstance(said, Problem)
        and type(said.line) is int
        and said.code.isidentifier()
        and len(said.code) <= 50
        and said.detail.isprintable()
        and len(said.detail) <= 200
    )


async def write(desk: Desk, found: Sequence[Found]) -> list[File]:
    """One transaction for portions of logs of one member: what was found, and that it was. The files as they are then.

    Each log stands once. Raises Superseded where any of them is not as it was looked at.
    """
    ids = [each.file.id for each in found]

    async def work(tx: Tx) -> list[tuple[State, str | None]]:
        # Read by a rule that is not the account's any more: what it remembers may not be kept.
        settings = await enter(tx)
        is_ruled_anew = settings["workspace_labels"] != desk.account["workspace_labels"]
        if is_ruled_anew or len(await tx.driver.fetch(LOCK, tx.account, ids)) < len(ids):
            raise Superseded
        begun = [each.file.id for each in found if each.from_start and each.result.friction is not None]
        if begun:
            await friction.forget(tx, begun)
        refused = await write_found(tx, found)
        return [await settle(tx, desk, each, refused[at]) for at, each in enumerate(found)]

    try:
        told = await attempt(desk.database, desk.account["id"], work)
    except UNSTORABLE as error:
        raise Fault("What it found could not be stored.") from error
    for _, unwanted in told:
        if unwanted is not None:
            await desk.storage.delete(unwanted)
    return [replace(each.file, state=state) for each, (state, _) in zip(found, told, strict=True)]


async def settle(tx: Tx, desk: Desk, found: Found, refused: Sequence[Problem]) -> tuple[State, str | None]:
    """How far one log was read; and the key of its raw file, where that is not wanted any more."""
    state = replace(found.state, problems=merged(found.state.problems, refused))
    await save(tx, found.file, desk.processor, state)
    done = state.sha256 is not None
    return state, await finish(tx, found.file, desk.everybody, datetime.now(UTC)) if done else None


async def write_found(tx: Tx, found: Sequence[Found]) -> list[list[Problem]]:
    """Facts, which sessions each log tells of, what went wrong in them. By log, what may not come in, as problems."""
    first = found[0].file
    sender = Sender(tx.account, first.user_id, first.is_admin)
    # Copied: this may have to be tried again.
    rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    told: list[dict[str, friction.Signals]] = []
    # By kind, where the rows of each log end.
    ends: dict[str, list[int]] = defaultdict(list)
    for each in found:
        told.append(dict(each.result.friction or {}))
        for kind in ROWS:
            rows[kind] += each.result.rows.get(kind, ())
            ends[kind].append(len(rows[kind]))
    admitted = await admit(rows)
    if any(rows.values()):
        await bring_in(tx, sender, admitted, datetime.now(UTC))
    for kind, index, row in admitted.all():
        told[bisect_right(ends[kind], index)].setdefault(row.id if kind == "sessions" else row.session_id, {})
    others = await sessions_of_others(tx, sender, {name for each in told for name in each})
    keyed = (
        (each.file.id, session_key(tx.account, name), signals)
        for each, names in zip(found, told, strict=True)
        for name, signals in names.items()
    )
    await friction.add(tx, first.user_id, [row for row in keyed if row[1] not in others])
    return [
        refusals(error for error in admitted.errors if bisect_right(ends[error.kind], error.index) == at)
        for at in range(len(found))
    ]


def refusals(errors: Iterable[RowError]) -> list[Problem]:
    """Of rows that were not taken, why: each reason once, as no line is to blame."""
    return [Problem(0, code, detail) for code, detail in {error.code: error.detail for error in errors}.items()]
