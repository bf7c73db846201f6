"""Which sessions logs tell of, and what went wrong in them.

A signal has the id of its line, as a call has its own: told by two logs, as where a session was resumed, it is one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from app.db.engine import Tx
from app.facts.identity import key
from app.transcripts.formats.signals import COLUMNS

NAMES = tuple(COLUMNS.values())
LINK = """
    INSERT INTO transcript_sessions (account_id, transcript_id, session_id)
    SELECT $1, t.* FROM unnest($2::uuid[], $3::uuid[]) AS t (transcript_id, session_id)
    ORDER BY t.transcript_id, t.session_id ON CONFLICT DO NOTHING
"""
ADD = """
    INSERT INTO transcript_signals (account_id, transcript_id, id, session_id, name)
    SELECT $1, t.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[])
        AS t (transcript_id, id, session_id, name)
    ORDER BY t.transcript_id, t.id ON CONFLICT DO NOTHING
"""
FORGET = "DELETE FROM transcript_signals WHERE account_id = $1 AND transcript_id = ANY ($2) AND id <> ALL ($3)"

# By name, the signals as `mark` tells them apart.
Signals = Mapping[str, Collection[str]]
Row = tuple[UUID, UUID, Signals]
Signal = tuple[UUID, UUID, UUID, str]


async def add(tx: Tx, user: UUID, rows: Iterable[Row]) -> None:
    """Of (transcript, session, signals), each pair once: a session that a log of this member tells of."""
    told = list(rows)
    await write(tx, told, signals_of(tx, user, told))


async def replace(tx: Tx, user: UUID, transcripts: Sequence[UUID], rows: Iterable[Row]) -> None:
    """What whole logs tell: what they told before, and no longer, goes."""
    told = list(rows)
    signals = signals_of(tx, user, told)
    await tx.driver.execute(FORGET, tx.account, transcripts, list({signal[1] for signal in signals}))
    await write(tx, told, signals)


async def forget(tx: Tx, transcripts: Sequence[UUID]) -> None:
    """These logs are read from their beginnings again."""
    await tx.driver.execute(FORGET, tx.account, transcripts, [])


def signals_of(tx: Tx, user: UUID, rows: Sequence[Row]) -> list[Signal]:
    """Only a member's own logs repeat each other: nobody moves what happened in another's session."""
    return [
        (transcript, key(tx.account, "signal", str(user), name, mark), session, name)
        for transcript, session, signals in rows
        for name, marks in signals.items()
        for mark in marks
    ]


async def write(tx: Tx, rows: Sequence[Row], signals: Sequence[Signal]) -> None:
    if rows:
        await tx.driver.execute(LINK, tx.account, [row[0] for row in rows], [row[1] for row in rows])
    if signals:
        await tx.driver.execute(ADD, tx.account, *map(list, zip(*signals, strict=True)))
