"""A pass of a processor as a job, under the lease of its name: of one processor two are never made at a time.

Not by two workers, nor by the admin who asks for one over HTTP, nor by the operator who runs one by hand.
"""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.db import leases
from app.db.engine import Database, Tx
from app.db.leases import Ended, Lease, Refused
from app.transcripts.pipeline import Budget
from app.transcripts.processors.contract import Processor
from app.transcripts.state import due

PREFIX = "process:"
Details = dict[str, Any]


def job_of(processor: str) -> str:
    return PREFIX + processor


async def is_wanted(tx: Tx, processor: Processor) -> bool:
    """Whether any log waits for it."""
    return bool(await due(tx, processor, datetime.now(UTC), ()))


def ended(details: Details, budget: Budget) -> Ended:
    """How the pass ended. More is at once due where it came on and was stopped by its budget alone."""
    errors, done = details["errors"], details["processed"]
    return Ended(
        outcome="partly" if errors else "done",
        items=details["items_extracted"],
        fault=f"{errors} of {details['scanned']} logs could not be read." if errors else None,
        is_more=done > 0 and (details["skipped"] > 0 or details["scanned"] >= budget.files),
    )


async def under(lease: Lease, processor: Processor, one_pass: Awaitable[Details], budget: Budget) -> Details:
    """One pass by somebody who asked for it now."""
    found: Details = {}

    async def work() -> Ended:
        found.update(await one_pass)
        return ended(found, budget)

    await lease.run(work(), processor.cadence_s)
    return found


async def claim(database: Database, account: UUID, processor: str) -> Lease | None:
    """The right to make a pass now; None while somebody is at it, in whatever process."""
    found = await leases.claim(database, account, job_of(processor))
    return None if isinstance(found, Refused) else found
