"""Session logs deleted: the raw files first, then their rows, so that no file is ever left that nobody knows of."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Protocol
from uuid import UUID

from app.db.attempts import attempt
from app.db.engine import Database, Tx

AT_ONCE = 200
CHOSEN = f"""
    SELECT id, storage_key FROM transcripts WHERE account_id = $1 AND ($2::uuid IS NULL OR user_id = $2)
    ORDER BY id LIMIT {AT_ONCE} FOR UPDATE
"""
# With them goes what was found in them and how far processors had come.
DELETE = "DELETE FROM transcripts WHERE account_id = $1 AND id = ANY ($2)"


class RawFiles(Protocol):
    """Where raw logs lie, each under <account>/<member>/…"""

    async def delete(self, key: str) -> None:
        """Also of a file that is gone already."""

    def keys(self, account: UUID) -> AsyncIterator[Any]:
        """Every file of the account, by its `key`."""

    async def clear(self, place: str) -> None:
        """The folder <account> or <account>/<member>, with those in it, as far as they are empty."""


async def delete_logs(
    database: Database, files: RawFiles, account: UUID, user: UUID | None = None
) -> AsyncGenerator[Counter[str], None]:
    """Of one member, or of all; some at a time. Cut off anywhere, the next run meets the same rows again."""
    while gone := await attempt(database, account, lambda tx: delete_some(tx, files, user)):
        yield Counter(transcripts=gone)
    # What no row names: an upload that died between file and row.
    place = f"{account}" if user is None else f"{account}/{user}"
    for key in [file.key async for file in files.keys(account)]:
        if key.startswith(f"{place}/"):
            await files.delete(key)
            yield Counter(stray_files=1)
    await files.clear(place)


async def delete_some(tx: Tx, files: RawFiles, user: UUID | None) -> int:
    chosen = await tx.driver.fetch(CHOSEN, tx.account, user)
    for row in chosen:
        if row["storage_key"] is not None:
            await files.delete(row["storage_key"])
    await tx.driver.execute(DELETE, tx.account, [row["id"] for row in chosen])
    return len(chosen)
