"""What one person did is deleted, and every rollup says so in the same transaction.

The writer's three steps, backwards: *delete*, which returns what was counted; *deltas*, pure, each row once less;
*apply*. Unlike a writer, who erases holds the account's facts alone: a writer looks at the session a row stands in
before it locks that session, and must not find it gone in between.

Days older than retention keep their rollups although their facts are gone, so nothing can be subtracted from them:
what a retention run has cleared, or is about to, is counted as before. On such days the account's sums stay, because
they speak of nobody; the member's own rows become rows of no member, so that members still add up to the account; and
sessions active there go on counting under keys made up on the spot. A rebuild never touches those days, and finds
nothing to change on the others.

A fact that two sessions report (by global id) is deleted with the session it belongs to, which alone it was counted
for. Sent again by the other session's owner it comes in again, as theirs.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.facts import rollups
from app.facts.calendar import Calendar
from app.facts.deltas import CALLED, COUNTED, NO_USER, Deltas
from app.facts.latency import as_number
from app.facts.recount import PATIENCE_S
from app.facts.rollups import MEMBER, SUBJECT
from app.facts.upkeep import PATIENCE
from app.facts.write import ALONE, SETTINGS

# Whole sessions, so that no report ever shows half of one; as many as writers do not notice waiting for.
SESSIONS_AT_ONCE = 200
# A member's line has no histogram.
NO_TIMES = as_number({})
FACTS_AT_ONCE = 3_000
A_PIECE = 2_000
LOCKED = """
    SELECT created_at, user_id, updated_at FROM ai_sessions WHERE account_id = $1 AND id = ANY ($2) ORDER BY id
    FOR UPDATE
"""
DELETE_TOLD = "DELETE FROM {} WHERE account_id = $1 AND session_id = ANY ($2)"
# A session at a time: of an account without statistics, many at once are looked for in all of its rows.
DELETE = "DELETE FROM {} WHERE account_id = $1 AND session_id = $2"
DELETE_MESSAGES = f"{DELETE.format('messages')} RETURNING {', '.join(COUNTED)}"
DELETE_CALLS = f"{DELETE.format('tool_calls')} RETURNING {', '.join(CALLED)}"
# The keys of these rows begin with the time: a session's are looked up as long as it lasted, and a day more for zones.
LASTED = """
    SELECT id, least(first_activity_at, created_at) AT TIME ZONE 'UTC' AS first,
        greatest(last_activity_at, created_at) AT TIME ZONE 'UTC' AS last
    FROM ai_sessions WHERE account_id = $1 AND id = ANY ($2)
"""
TIMES = {
    rollups.SESSION: "SELECT first::date + n FROM generate_series(-1, last::date - first::date + 1) AS n",
    rollups.SESSION_HOUR: """
        SELECT n AT TIME ZONE 'UTC' FROM generate_series(
            date_trunc('hour', first) - interval '1 day', last + interval '1 day', interval '1 hour') AS n
    """,
}
DELETE_ACTIVITY = {
    rollup: f"""
        DELETE FROM {rollup.table} AS d USING ({LASTED}) AS lasted CROSS JOIN LATERAL ({times}) AS t (at)
        WHERE d.account_id = $1 AND d.{rollup.keys[0]} = t.at AND d.session_id = lasted.id
        RETURNING t.at, d.session_id, d.messages
    """
    for rollup, times in TIMES.items()
}
DELETE_SESSIONS = "DELETE FROM ai_sessions WHERE account_id = $1 AND id = ANY ($2)"
OF_MEMBER = """
    SELECT id, user_messages + assistant_messages + other_messages + tool_calls AS facts FROM ai_sessions
    WHERE account_id = $1 AND user_id = $2 ORDER BY created_at, id LIMIT $3
"""
DELETE_MEMBER_DAYS = f"""
    DELETE FROM member_days WHERE account_id = $1 AND user_id = $2
    RETURNING day, model_id, {", ".join(MEMBER.numbers)}
"""
DELETE_LINES = f"""
    DELETE FROM subject_days WHERE account_id = $1 AND subject = 'member' AND name = $2::text
    RETURNING day, {", ".join(SUBJECT.numbers)}
"""
# What others' sessions say of a person: that they handed over, or took over.
FORGET_HANDING = """
    UPDATE session_handoffs SET handed_off_by = nullif(handed_off_by, $2), claimed_by = nullif(claimed_by, $2)
    WHERE account_id = $1 AND (handed_off_by = $2 OR claimed_by = $2)
"""


async def erase_member(database: Database, account: UUID, user: UUID) -> AsyncGenerator[Counter[str], None]:
    """Everything that facts and rollups hold of one member; what went, transaction by transaction.

    Each takes whole sessions with their share of every rollup, so reports are exact at any moment in between; cut off
    anywhere, the next run goes on.
    """
    done = False
    while not done:
        gone, done = await attempt(database, account, lambda tx: erase_some(tx, user))
        yield gone


async def erase_some(tx: Tx, user: UUID) -> tuple[Counter[str], bool]:
    """The member's oldest sessions, as many as one transaction should take; where there are none, the rest, and done.

    What is found and what is done about it is one: a session that came in between would lose its member's name.
    """
    await tx.driver.execute(PATIENCE)
    await tx.driver.execute(ALONE, str(tx.account))
    chosen: list[UUID] = []
    facts = 0
    for row in await tx.driver.fetch(OF_MEMBER, tx.account, user, SESSIONS_AT_ONCE):
        facts += row["facts"]
        if chosen and facts > FACTS_AT_ONCE:
            break
        chosen.append(row["id"])
    if not chosen:
        return await forget_member(tx, user), True
    # What logs and journals, whoever sent them, tell of these sessions; it holds no fact and is in no rollup.
    for table in ("transcript_sessions", "transcript_signals", "journal_sessions"):
        await tx.driver.execute(DELETE_TOLD.format(table), tx.account, chosen)
    return await erase_sessions(tx, chosen), False


async def erase_sessions(tx: Tx, sessions: Sequence[UUID]) -> Counter[str]:
    """These sessions and all that belongs to them; how many rows of each table went.

    Takes the account's facts alone: nothing may have taken part in writing earlier in this transaction.
    """
    await tx.driver.execute(ALONE, str(tx.account))
    settings = await tx.driver.fetchrow(SETTINGS, tx.account)
    stands: datetime | None = settings["counted_from"]
    deltas = Deltas(Calendar(settings["timezone"]))
    gone: Counter[str] = Counter()
    for row in await tx.driver.fetch(LOCKED, tx.account, sessions):
        if stands is None or row["created_at"] >= stands:
            deltas.session(-1, row["created_at"], row["user_id"])
        if stands is None or row["updated_at"] >= stands:
            deltas.update(-1, row["updated_at"])
    for session in sessions:
        gone += await take_back(tx, session, deltas, stands)
    await rollups.add(tx, deltas, datetime.now(UTC))
    await forget_activity(tx, sessions)
    gone["ai_sessions"] = counted(await tx.driver.execute(DELETE_SESSIONS, tx.account, sessions))
    return gone


async def take_back(tx: Tx, session: UUID, deltas: Deltas, stands: datetime | None) -> Counter[str]:
    """What belongs to one session; what is dated before `stands` counts on."""
    gone: Counter[str] = Counter()
    async for row in deleted(tx, DELETE_MESSAGES, session):
        gone["messages"] += 1
        if stands is None or row["created_at"] >= stands:
            deltas.message(-1, row)
    async for row in deleted(tx, DELETE_CALLS, session):
        gone["tool_calls"] += 1
        if stands is None or row["occurred_at"] >= stands:
            deltas.call(-1, row)
    for table in ("ai_session_steps", "session_handoffs"):
        gone[table] = counted(await tx.driver.execute(DELETE.format(table), tx.account, session))
    return gone


async def forget_activity(tx: Tx, sessions: Sequence[UUID]) -> None:
    """After the deltas, a session counts as active only on days that stand: there another key takes its place."""
    known = {session: uuid4() for session in sessions}
    for rollup, sql in DELETE_ACTIVITY.items():
        rows = await tx.driver.fetch(sql, tx.account, sessions)
        left = {(row["at"], known[row["session_id"]]): [row["messages"]] for row in rows if row["messages"]}
        await rollups.add_rows(tx, rollup, dict(sorted(left.items())))


async def forget_member(tx: Tx, user: UUID) -> Counter[str]:
    """What is left of a member without sessions: days older than retention, and their name on others' handoffs."""
    days = await tx.driver.fetch(DELETE_MEMBER_DAYS, tx.account, user)
    left = {(row["day"], NO_USER, row["model_id"]): list(row[2:]) for row in days if any(row[2:])}
    await rollups.add_rows(tx, MEMBER, dict(sorted(left.items())))
    lines = await tx.driver.fetch(DELETE_LINES, tx.account, str(user))
    nobodys = {(row["day"], "member", ""): (*row[1:], NO_TIMES, NO_TIMES) for row in lines if any(row[1:])}
    await rollups.add_rows(tx, SUBJECT, dict(sorted(nobodys.items())))
    handoffs = counted(await tx.driver.execute(FORGET_HANDING, tx.account, user))
    await tx.driver.execute(rollups.NEXT_VERSION, tx.account, datetime.now(UTC))
    return Counter(member_days=len(days), named_in_handoffs=handoffs)


async def deleted(tx: Tx, sql: str, session: UUID) -> AsyncIterator[Any]:
    """What a statement returns, a piece at a time: a session may be longer than memory should be."""
    cursor = await tx.driver.cursor(sql, tx.account, session, timeout=PATIENCE_S)
    read = A_PIECE
    while read == A_PIECE:
        rows = await cursor.fetch(A_PIECE, timeout=PATIENCE_S)
        read = len(rows)
        for row in rows:
            yield row


def counted(tag: str) -> int:
    """DELETE 12 -> 12"""
    return int(tag.rpartition(" ")[2])
