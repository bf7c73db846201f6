"""What went wrong in sessions, as counts: what the signals of a log are called here, and where they are kept."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from app.db.engine import Tx
from app.transcripts.formats.signals import COLUMNS

NAMES = tuple(COLUMNS.values())
_TYPES = "$2::uuid[], $3::uuid[], " + ", ".join(f"${n}::int[]" for n in range(4, 4 + len(NAMES)))
_INSERT = f"""
    INSERT INTO transcript_sessions AS f (account_id, transcript_id, session_id, {", ".join(NAMES)})
    SELECT $1, t.* FROM unnest({_TYPES}) AS t (transcript_id, session_id, {", ".join(NAMES)})
    ORDER BY t.transcript_id, t.session_id
    ON CONFLICT (account_id, transcript_id, session_id) DO UPDATE SET """
ADD = _INSERT + ", ".join(f"{name} = f.{name} + excluded.{name}" for name in NAMES)
REPLACE = (
    _INSERT
    + ", ".join(f"{name} = excluded.{name}" for name in NAMES)
    + " WHERE "
    + " OR ".join(f"f.{name} <> excluded.{name}" for name in NAMES)
)
FORGET = f"""
    UPDATE transcript_sessions SET {", ".join(f"{name} = 0" for name in NAMES)}
    WHERE account_id = $1 AND transcript_id = $2
"""

Counts = Mapping[str, int]
Row = tuple[UUID, UUID, Counts]


async def add(tx: Tx, rows: Iterable[Row]) -> None:
    """Of (transcript, session, counts), each pair once: a session a log tells of, and what went wrong in it."""
    await write(tx, ADD, rows)


async def replace(tx: Tx, rows: Iterable[Row]) -> None:
    """Counts of whole logs, told anew."""
    await write(tx, REPLACE, rows)


async def forget(tx: Tx, transcript: UUID) -> None:
    """The log is read from its beginning again."""
    await tx.driver.execute(FORGET, tx.account, transcript)


async def write(tx: Tx, statement: str, rows: Iterable[Row]) -> None:
    told = list(rows)
    if told:
        counts = [[row[2].get(name, 0) for row in told] for name in NAMES]
        await tx.driver.execute(statement, tx.account, [row[0] for row in told], [row[1] for row in told], *counts)
