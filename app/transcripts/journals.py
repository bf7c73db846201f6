"""Bringing in an event journal: from where it was left, a handful of lines a transaction, each with how far it came.

Strict, the new part is read through before anything of it is stored, so that a corrupt line stores nothing. What a
journal tells is merged by identity, so reading it twice, or being cut off anywhere, changes no number.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.facts.admission import Admitted, admit, out_of_time
from app.facts.entry import bring_in
from app.facts.erasure import erase_sessions
from app.facts.identity import key, session_key
from app.facts.members import Rights, Sender, named
from app.facts.upkeep import PATIENCE
from app.transcripts.formats.journal import Journal
from app.transcripts.formats.ledger import Fact, Row
from app.transcripts.formats.lines import SENTENCES, Lines, Problem
from app.web.problems import Conflict, Unprocessable

CHUNK = 2**18
CLEARED_AT_ONCE = 100
MOST_ERRORS = 100
TOO_OLD, WAITS = "too_old", "its last line waits for the rest"
FOREIGN = "no line of it is an event of a journal; logs of sessions are read by `tally push`"
NOTHING_READ = hashlib.sha256().hexdigest()
FIND = "SELECT byte_offset, newlines, read_sha256 FROM journals WHERE account_id = $1 AND id = $2"
FIRST = """
    INSERT INTO journals (account_id, id, name, read_sha256, read_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""
# Only where it still stands as it did: of two who read one journal at once, one stops.
GO_ON = """
    UPDATE journals SET byte_offset = $5, newlines = $6, read_sha256 = $7, read_at = $8
    WHERE account_id = $1 AND id = $2 AND byte_offset = $3 AND read_sha256 = $4 RETURNING true
"""
LINK = """
    INSERT INTO journal_sessions (account_id, journal_id, session_id)
    SELECT $1, $2, s FROM unnest($3::uuid[]) AS s ORDER BY s ON CONFLICT DO NOTHING
"""
LINKED = (
    "SELECT session_id FROM journal_sessions WHERE account_id = $1 AND journal_id = $2 ORDER BY session_id LIMIT $3"
)
# Other journals that tell of the same sessions are read again from their beginnings, when they come next.
FORGET = """
    UPDATE journals j SET byte_offset = 0, newlines = 0, read_sha256 = $3
    WHERE j.account_id = $1 AND (j.id = $2 OR j.id IN (
        SELECT o.journal_id FROM journal_sessions o JOIN journal_sessions s
            ON s.account_id = $1 AND s.session_id = o.session_id
        WHERE o.account_id = $1 AND s.journal_id = $2))
"""
CREATES_MEMBERS = "SELECT create_members FROM accounts WHERE id = $1"
UNLINK = "DELETE FROM journal_sessions WHERE account_id = $1 AND journal_id = $2 AND session_id = ANY ($3)"


@dataclass(frozen=True)
class Choices:
    """How to go about it: whose the sessions are, and what a corrupt line means."""

    sender: Sender
    best_effort: bool = False
    rebuild: bool = False


@dataclass
class Report:
    """What came of one journal."""

    file: str
    lines_read: int = 0
    skipped_by_offset: int = 0
    rows: int = 0
    stored: int = 0
    ignored: int = 0
    # Older than the account keeps: no fault of the file.
    too_old: int = 0
    errors: int = 0
    errors_detail: list[dict[str, object]] = field(default_factory=list)
    # What was noticed of the file: truncated, replaced, or a last line that waits for its rest.
    noticed: list[str] = field(default_factory=list)
    sessions_cleared: int = 0

    @property
    def is_unreadable(self) -> bool:
        """Whether nothing at all could be read of it, now or before."""
        return self.errors > 0 and not (self.rows or self.ignored or self.too_old or self.skipped_by_offset)

    @property
    def is_foreign(self) -> bool:
        """Whether all that was read was passed over."""
        return self.lines_read == self.ignored > 0 and not (self.rows or self.skipped_by_offset)

    def tell(self, said: Problem) -> None:
        self.errors += 1
        if len(self.errors_detail) < MOST_ERRORS:
            self.errors_detail.append({"file": self.file, "line": said.line, "code": said.code, "detail": said.detail})


@dataclass(frozen=True)
class Place:
    """How far a journal was read, and what was read."""

    byte_offset: int = 0
    newlines: int = 0
    read_sha256: str = NOTHING_READ


class Corrupt(Unprocessable):
    """A line that strict reading stops at."""

    def __init__(self, file: str, said: Problem, left: str) -> None:
        # What lenient reading makes of it is not so here.
        wrong = said.detail.partition(";")[0].rstrip(".") if said.code in SENTENCES else said.detail.rstrip(".")
        super().__init__(f"{file}:{said.line}: {wrong}. {left}; mend the line, or say --best-effort.")


@dataclass(frozen=True)
class Handful:
    """Some lines' facts with the numbers of their lines, and where the next begin."""

    facts: Sequence[tuple[int, Fact]]
    problems: Sequence[Problem]
    place: Place

    def rows(self, sender: Sender) -> tuple[dict[str, list[Row]], dict[str, list[int]]]:
        """By kind, as ingest takes them, and on which lines they stand. A sender with an id owns the sessions."""
        rows: dict[str, list[Row]] = defaultdict(list)
        lines: dict[str, list[int]] = defaultdict(list)
        for number, fact in self.facts:
            owned = fact.kind == "sessions" and sender.id is not None
            row = {**fact.row, "user_id": str(sender.id), "user_email": None} if owned else fact.row
            rows[fact.kind].append(row)
            lines[fact.kind].append(number)
        return rows, lines


@dataclass(frozen=True)
class Written:
    """What one transaction did."""

    stored: int
    too_old: int
    refused: Sequence[Problem]


class Import:
    """One journal of one account."""

    def __init__(self, database: Database, choices: Choices, path: Path) -> None:
        self.report = Report(str(path))
        self._database = database
        self._choices = choices
        self._path = path
        self._account = choices.sender.account_id
        self._id = key(self._account, "journal", str(path.resolve()))
        # What is there now is read; what is written meanwhile is seen next time.
        self._size = path.stat().st_size
        # What is remembered of the journal, as far as we know.
        self._remembered = Place()

    async def run(self) -> AsyncGenerator[tuple[int, int], None]:
        """How many bytes of how many are done."""
        begun = Place() if self._choices.rebuild else await self._left_off()
        self.report.skipped_by_offset = begun.newlines
        passes, todo = (1 if self._choices.best_effort else 2), self._size - begun.byte_offset
        if not self._choices.best_effort:
            for handful in self._handfuls(begun):
                await self._check(handful)
                yield handful.place.byte_offset - begun.byte_offset, passes * todo
        if self._choices.rebuild:
            await self._clear()
        for handful in self._handfuls(begun):
            await self._write(handful)
            yield (passes - 1) * todo + handful.place.byte_offset - begun.byte_offset, passes * todo
        if self.report.is_foreign:
            self.report.noticed.append(FOREIGN)

    async def _left_off(self) -> Place:
        """Where to go on: the beginning, unless the file still begins with what was read."""
        async with self._database.transaction(self._account, read_only=True) as tx:
            row = await tx.driver.fetchrow(FIND, self._account, self._id)
        self._remembered = place = Place(*row) if row else Place()
        if place.byte_offset > self._size:
            self.report.noticed.append("truncated: read again from its beginning")
        elif self._digest(place.byte_offset).hexdigest() != place.read_sha256:
            self.report.noticed.append("replaced: read from its beginning")
        else:
            return place
        return Place()

    def _digest(self, end: int) -> Any:
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while piece := file.read(min(CHUNK, end - file.tell())):
                digest.update(piece)
        return digest

    def _handfuls(self, begun: Place) -> Iterator[Handful]:
        """A handful is what a chunk ends: at its end every line that was cut has been told, wholly."""
        journal = Journal(Lines(begun.byte_offset, begun.newlines))
        digest, digested = self._digest(begun.byte_offset), begun.byte_offset
        with self._path.open("rb") as file:
            file.seek(begun.byte_offset)
            while chunk := file.read(min(CHUNK, self._size - file.tell())):
                told = [*journal.feed(chunk)]
                if file.tell() == self._size:
                    told += journal.end()
                digest.update(os.pread(file.fileno(), journal.lines.offset - digested, digested))
                digested = journal.lines.offset
                yield Handful(
                    [item for item in told if not isinstance(item, Problem)],
                    [item for item in told if isinstance(item, Problem)],
                    Place(digested, journal.lines.newlines, digest.hexdigest()),
                )
        self.report.ignored = journal.ignored
        self.report.lines_read = journal.lines.newlines - begun.newlines + journal.lines.open_line
        if journal.waits and WAITS not in self.report.noticed:
            self.report.noticed.append(WAITS)

    async def _check(self, handful: Handful) -> None:
        """Strict: raises at what is corrupt, or could not come in whoever's it is."""
        rows, lines = handful.rows(self._choices.sender)
        admitted = await admit(rows)
        admitted.sift(out_of_time(datetime.now(UTC), None))
        async with self._database.transaction(self._account, read_only=True) as tx:
            if not await tx.driver.fetchval(CREATES_MEMBERS, self._account):
                members = await named(tx, admitted, create=False)
                admitted.sift(Rights(self._choices.sender, members, ()).refusal)
        self._insist([*handful.problems, *refusals(admitted, lines)], "Nothing was stored")

    def _insist(self, wrong: Sequence[Problem], left: str) -> None:
        if wrong:
            first = min(wrong)
            self.report.tell(first)
            raise Corrupt(self.report.file, first, left)

    async def _write(self, handful: Handful) -> None:
        written = await attempt(self._database, self._account, lambda tx: self._store(tx, handful))
        self._remembered = handful.place
        self.report.rows += len(handful.facts) - len(written.refused) - written.too_old
        self.report.stored += written.stored
        self.report.too_old += written.too_old
        for said in sorted([*handful.problems, *written.refused]):
            self.report.tell(said)

    async def _store(self, tx: Tx, handful: Handful) -> Written:
        """One transaction: facts, which sessions the journal tells of, how far it was read."""
        rows, lines = handful.rows(self._choices.sender)
        admitted, now = await admit(rows), datetime.now(UTC)
        facts, changed = await bring_in(tx, self._choices.sender, admitted, now)
        refused = refusals(admitted, lines)
        if not self._choices.best_effort:
            self._insist(refused, "What stands before it was stored")
        await self._remember(tx, handful.place, {session_key(tx.account, name) for name in admitted.names()})
        sent = {session.id for session in facts.sessions if not session.is_stub}
        stored = len(changed.sessions & sent) + len(changed.messages) + len(changed.tool_calls)
        return Written(stored, sum(error.code == TOO_OLD for error in admitted.errors), refused)

    async def _remember(self, tx: Tx, place: Place, sessions: set[UUID]) -> None:
        now, was = datetime.now(UTC), self._remembered
        await tx.driver.execute(FIRST, tx.account, self._id, self._path.name[:200], NOTHING_READ, now)
        before, after = (was.byte_offset, was.read_sha256), (place.byte_offset, place.newlines, place.read_sha256)
        if await tx.driver.fetchval(GO_ON, tx.account, self._id, *before, *after, now) is None:
            raise Conflict(f"{self.report.file} is being imported by somebody else: let them end, then repeat.")
        await tx.driver.execute(LINK, tx.account, self._id, list(sessions))

    async def _clear(self) -> None:
        """All that came from this journal goes, in transactions of bounded size; cut off, the next run goes on."""
        async with self._database.transaction(self._account) as tx:
            await tx.driver.execute(FORGET, tx.account, self._id, NOTHING_READ)
        while cleared := await attempt(self._database, self._account, self._clear_some):
            self.report.sessions_cleared += cleared

    async def _clear_some(self, tx: Tx) -> int:
        await tx.driver.execute(PATIENCE)
        rows = await tx.driver.fetch(LINKED, tx.account, self._id, CLEARED_AT_ONCE)
        sessions = [row["session_id"] for row in rows]
        if sessions:
            await erase_sessions(tx, sessions)
            await tx.driver.execute(UNLINK, tx.account, self._id, sessions)
        return len(sessions)


def refusals(admitted: Admitted, lines: Mapping[str, Sequence[int]]) -> list[Problem]:
    """Rows that may not come in, by their lines. What is merely older than the account keeps is no fault."""
    return [
        Problem(lines[error.kind][error.index], error.code, error.detail)
        for error in admitted.errors
        if error.code != TOO_OLD
    ]
