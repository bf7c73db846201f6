"""The only writer of facts. One transaction: rows in, rollups, totals and version with them, or nothing.

Three steps: *upsert*, which tells what was and what is; *deltas*, pure; *apply*. Reading the old rows before the
upsert instead would be wrong: another writer may change them in between.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.db.attempts import Overtaken
from app.db.engine import Tx
from app.facts import rollups, totals
from app.facts.calendar import Calendar
from app.facts.deltas import CALLED, COUNTED, Deltas
from app.facts.kinds import (
    HANDOFF,
    MESSAGE,
    SESSION,
    STEP,
    TOOL_CALL,
    HandoffFact,
    MessageFact,
    SessionFact,
    StepFact,
    ToolCallFact,
    merely_locked,
)
from app.facts.merging import Kind
from app.facts.prices import VERSION, PriceBook, Tokens
from app.web.problems import Unauthorized

# Shared by writers, held alone by what recounts whole days: a count and a write never overlap.
SHARE = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1::text, 0))"
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))"
SETTINGS = """
    SELECT a.timezone, a.retention_days, a.create_members, a.workspace_labels, a.workspace_salt, a.closing_at,
        v.facts_from, greatest(v.facts_from, v.counted_from) AS counted_from
    FROM accounts a LEFT JOIN account_versions v ON v.account_id = $1 WHERE a.id = $1
"""
# What a price depends on beside what is counted.
PRICED = ("provider", "cache_creation_1h_tokens")
MESSAGE_CHANGE = (*COUNTED, *PRICED)
COUNTS_END = -2 * len(PRICED)
SESSION_CHANGE = ("created_at", "user_id", "updated_at")
# Those who may bring in only their own may not change what another member's session reported either. A session that
# merely came through somebody (1970) is still free.
OWN, OWN_OR_FREE = "f.user_id = {own}", "(f.user_id = {own} OR f.user_id_at < '1970-01-02')"
UPSERTS = {
    SESSION: SESSION.upsert(SESSION_CHANGE),
    MESSAGE: MESSAGE.upsert(MESSAGE_CHANGE),
    TOOL_CALL: TOOL_CALL.upsert(CALLED),
    STEP: STEP.upsert(),
    HANDOFF: HANDOFF.upsert(),
}
UPSERTS_OF_OWN = {
    SESSION: SESSION.upsert(SESSION_CHANGE, OWN_OR_FREE),
    MESSAGE: MESSAGE.upsert(MESSAGE_CHANGE, OWN),
    TOOL_CALL: TOOL_CALL.upsert(CALLED, OWN),
}
OWNERS = "SELECT id, user_id FROM ai_sessions WHERE account_id = $1 AND id = ANY ($2)"
HAND_OVER_MESSAGES = f"""
    UPDATE messages AS f SET user_id = t.user_id FROM unnest($2::uuid[], $3::uuid[]) AS t (id, user_id)
    WHERE f.account_id = $1 AND f.session_id = t.id AND f.user_id IS DISTINCT FROM t.user_id
    RETURNING {", ".join(f"old.{name} AS old_{name}, new.{name} AS new_{name}" for name in COUNTED)}
"""
HAND_OVER_CALLS = """
    UPDATE tool_calls AS f SET user_id = t.user_id FROM unnest($2::uuid[], $3::uuid[]) AS t (id, user_id)
    WHERE f.account_id = $1 AND f.session_id = t.id AND f.user_id IS DISTINCT FROM t.user_id
"""
SET_COSTS = """
    UPDATE messages AS f SET cost_micros = t.cost, price_version = CASE WHEN t.cost <> 0 THEN $4 END
    FROM unnest($2::uuid[], $3::bigint[]) AS t (id, cost) WHERE f.account_id = $1 AND f.id = t.id
"""


# As often as others may move rows while these are written.
MOST_ROUNDS = 4
Owners = Mapping[UUID, UUID | None]
Told = Callable[[Any], None]


@dataclass
class Facts:
    """Rows of one account, keys resolved. Sessions include a stub for each that is only spoken of."""

    sessions: list[SessionFact] = field(default_factory=list)
    messages: list[MessageFact] = field(default_factory=list)
    tool_calls: list[ToolCallFact] = field(default_factory=list)
    steps: list[StepFact] = field(default_factory=list)
    handoffs: list[HandoffFact] = field(default_factory=list)


@dataclass
class Changed:
    """The keys of the rows that changed anything, by kind."""

    sessions: set[UUID] = field(default_factory=set)
    messages: set[UUID] = field(default_factory=set)
    tool_calls: set[UUID] = field(default_factory=set)
    steps: set[UUID] = field(default_factory=set)
    handoffs: set[UUID] = field(default_factory=set)

    def __bool__(self) -> bool:
        return any((self.sessions, self.messages, self.tool_calls, self.steps, self.handoffs))


async def enter(tx: Tx) -> Any:
    """Take part in writing: no recount runs meanwhile. The account's settings, as they stand from here on."""
    await tx.driver.execute(SHARE, str(tx.account))
    settings = await tx.driver.fetchrow(SETTINGS, tx.account)
    if settings is None or settings["closing_at"] is not None:
        # Deleted, or about to be, since this was let in.
        raise Unauthorized
    return settings


async def settle(tx: Tx, deltas: Deltas, now: datetime) -> None:
    """Bring totals and rollups in line with a change of facts made in this transaction."""
    await totals.add(tx, deltas.session_changes())
    await rollups.add(tx, deltas, now)


class Writer:
    """Writes facts in one transaction that has entered. `only_own`: whose rows alone may be merged into."""

    def __init__(self, tx: Tx, calendar: Calendar, book: PriceBook, only_own: UUID | None = None) -> None:
        self._tx = tx
        self._book = book
        self._only_own = only_own
        self._calendar = calendar
        self._deltas = Deltas(calendar)
        # The sessions of known rows that changed: those they were of, and those they are of now.
        self._touched: set[UUID] = set()

    async def write(self, facts: Facts) -> Changed:
        """Facts, rollups, totals, version."""
        changed = await self._orderly(facts)
        if changed:
            await settle(self._tx, self._deltas, datetime.now(UTC))
        return changed

    async def _orderly(self, facts: Facts) -> Changed:
        """Every session that changes is locked first: else two who take rows from each other wait for each other.

        What comes under a global id may change sessions nobody spoke of. They are few, and to ask beforehand whose each
        row is would cost as much as writing it: where there are any, all is taken back and done again with them.
        """
        told, homes = {session.id for session in facts.sessions}, set[UUID]()
        await self._tx.mark()
        for _ in range(MOST_ROUNDS):
            changed = await self._all(facts, homes)
            found = self._touched - told
            if found <= homes:
                return changed
            await self._tx.take_back()
            homes |= found
            self._deltas, self._touched = Deltas(self._calendar), set()
        raise Overtaken("rows move between sessions all the time")

    async def _all(self, facts: Facts, homes: Iterable[UUID]) -> Changed:
        changed = Changed()
        changed.sessions = await self._sessions([*facts.sessions, *map(merely_locked, homes)])
        owners = dict(await self._tx.driver.fetch(OWNERS, self._tx.account, list({s.id for s in facts.sessions})))
        if self._only_own is not None and any(owner != self._only_own for owner in owners.values()):
            raise Overtaken("another member began this session meanwhile")
        changed.messages = await self._messages(facts.messages, owners)
        changed.tool_calls = await self._upsert(TOOL_CALL, facts.tool_calls, self._call_changed, owners)
        changed.steps = await self._upsert(STEP, facts.steps)
        changed.handoffs = await self._upsert(HANDOFF, facts.handoffs)
        return changed

    async def _upsert(
        self, kind: Kind, rows: Sequence[Any], told: Told = lambda _: None, owners: Owners | None = None
    ) -> set[UUID]:
        """The keys of what changed; `told` hears of each."""
        folded, changed = kind.fold(rows), set[UUID]()
        if len(folded) > rollups.AT_ONCE:
            # In the order of the statement, so that two writers still meet in the same one.
            folded = sorted(folded, key=kind.place)
        guarded = self._only_own is not None and kind in UPSERTS_OF_OWN
        sql, more = (UPSERTS_OF_OWN[kind], [self._only_own]) if guarded else (UPSERTS[kind], [])
        for start in range(0, len(folded), rollups.AT_ONCE):
            some = folded[start : start + rollups.AT_ONCE]
            columns = list(zip(*some, strict=True))
            if owners is not None:
                columns[kind.names.index("user_id")] = tuple([owners[row.session_id] for row in some])
            # What nobody tells is not sent: unnest fills it up with nulls.
            sent = [column if any(value is not None for value in column) else () for column in columns]
            for row in await self._tx.driver.fetch(sql, self._tx.account, *sent, *more):
                changed.add(row["id"])
                told(row)
        return changed

    async def _sessions(self, sessions: Sequence[SessionFact]) -> set[UUID]:
        turned: dict[UUID, UUID] = {}

        def told(row: Any) -> None:
            if not row["fresh"]:
                self._deltas.session(-1, row["old_created_at"], row["old_user_id"])
                self._deltas.update(-1, row["old_updated_at"])
                if row["old_user_id"] != row["new_user_id"]:
                    turned[row["id"]] = row["new_user_id"]
            self._deltas.session(+1, row["new_created_at"], row["new_user_id"])
            self._deltas.update(+1, row["new_updated_at"])

        changed = await self._upsert(SESSION, sessions, told)
        if turned:
            await self._hand_over([*turned], [*turned.values()])
        return changed

    async def _hand_over(self, sessions: list[UUID], users: list[UUID]) -> None:
        """A session turned out to be another member's: so is all that belongs to it."""
        for row in await self._tx.driver.fetch(HAND_OVER_MESSAGES, self._tx.account, sessions, users):
            self._deltas.message(-1, row[0::2])
            self._deltas.message(+1, row[1::2])
        await self._tx.driver.execute(HAND_OVER_CALLS, self._tx.account, sessions, users)

    async def _messages(self, messages: Sequence[MessageFact], owners: Owners) -> set[UUID]:
        folded = MESSAGE.fold(messages)
        if folded is not messages:
            folded = [self._priced(message) for message in folded]
        repriced: dict[UUID, int | None] = {}

        def told(row: Any) -> None:
            new = row[3:COUNTS_END:2]
            if not row["fresh"]:
                # What it costs is known only now that both reports are one.
                tokens = Tokens(*new[8:12])._replace(for_an_hour=row["new_cache_creation_1h_tokens"] or 0)
                cost = self._book.micros(row["new_provider"], row["new_model_id"], row["new_created_at"], tokens)
                if cost != new[12]:
                    repriced[row["id"]] = cost
                self._deltas.message(-1, row[2:COUNTS_END:2])
                self._touched |= {row["old_session_id"], row["new_session_id"]}
                new = (*new[:12], cost)
            self._deltas.message(+1, new)

        changed = await self._upsert(MESSAGE, folded, told, owners)
        if repriced:
            await self._tx.driver.execute(SET_COSTS, self._tx.account, [*repriced], [*repriced.values()], VERSION)
        return changed

    def _priced(self, m: MessageFact) -> MessageFact:
        """Of two reports in one batch, what they cost together."""
        classes = m.input_tokens, m.output_tokens, m.cache_read_tokens, m.cache_creation_tokens
        tokens = Tokens(*classes, m.cache_creation_1h_tokens or 0)
        cost = self._book.micros(m.provider, m.model_id, m.created_at, tokens)
        return m._replace(cost_micros=cost, price_version=VERSION if cost else None)

    def _call_changed(self, row: Any) -> None:
        if not row["fresh"]:
            self._deltas.call(-1, row[2::2])
            self._touched |= {row["old_session_id"], row["new_session_id"]}
        self._deltas.call(+1, row[3::2])
