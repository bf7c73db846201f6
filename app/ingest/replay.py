"""Idempotency-Key: a call sent again is answered again, not done again.

The key is locked for the length of the transaction that does the work and keeps the answer, so nothing is left behind
by a crash: either the work and its answer are there, or neither.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from app.db.engine import Tx
from app.web.problems import Conflict, Unprocessable

LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 1))"
KNOWN = "SELECT body_sha256, status, answer FROM idempotency_keys WHERE account_id = $1 AND key = $2"
KEEP = """
    INSERT INTO idempotency_keys (account_id, key, body_sha256, status, answer, created_at, completed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    replayed: bool = False


@dataclass(frozen=True)
class Repeat:
    """One key with one body. Without a key nothing is remembered."""

    key: str | None
    sha256: bytes

    @classmethod
    def of(cls, key: str | None, body: bytes) -> "Repeat":
        return cls(key, hashlib.sha256(body).digest() if key else b"")

    async def known(self, tx: Tx) -> Answer | None:
        """The answer given before; raises while it is being made, and for another body."""
        if self.key is None:
            return None
        if not await tx.driver.fetchval(LOCK, f"{tx.account} {self.key}"):
            raise Conflict("A call with this Idempotency-Key is still running: wait for its answer, then repeat.")
        row = await tx.driver.fetchrow(KNOWN, tx.account, self.key)
        if row is None:
            return None
        if row["body_sha256"] != self.sha256:
            raise Unprocessable("This Idempotency-Key was used with another body: use a new key for a new call.")
        return Answer(row["status"], row["answer"], replayed=True)

    async def keep(self, tx: Tx, answer: Answer) -> None:
        if self.key is not None:
            now = datetime.now(UTC)
            await tx.driver.execute(KEEP, tx.account, self.key, self.sha256, answer.status, answer.body, now)
