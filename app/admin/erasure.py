"""DELETE /api/v1/users/{user_id}/data: everything Tally holds of what one member did, in one call.

The member stays: so do their keys, and the audit of what they changed, exported or were refused, which names them by
id alone.
"""

import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from pydantic import Field

from app import audit
from app.admin.raw_files import RawFiles, delete_logs
from app.admin.users import find, needed_for
from app.auth.caller import AdminCall
from app.auth.guard import GuardedRoute
from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.facts.erasure import erase_member
from app.web.schema import Shape, problems

log = structlog.get_logger("tally.erasure")
router = APIRouter(prefix="/api/v1/users", tags=["administration"], route_class=GuardedRoute)
BUDGET_S = 20.0
TRAIL_AT_ONCE = 10_000
# What somebody read and when they synchronised is about them; what they changed, took away or were refused is about
# the account.
READING = """
    SELECT id FROM audit_log WHERE account_id = $1 AND user_id = $2 AND result <> 'refused'
    AND (starts_with(action, 'query.') AND action <> 'query.export' OR action IN ('sync.trigger', 'manifest.fetch'))
    LIMIT $3
"""
DELETE_READING = "DELETE FROM audit_log WHERE account_id = $1 AND id = ANY ($2)"
FORGET_PULL = "UPDATE users SET last_pull_at = NULL WHERE account_id = $1 AND id = $2"


class Erased(Shape):
    rows: dict[str, int] = Field(description="What went, by table.", examples=[{"messages": 1200, "ai_sessions": 30}])
    done: bool = Field(description="False when there was more than one call should take: call again.")


@router.delete("/{user_id}/data", responses=problems(404))
async def erase_user_data(request: Request, caller: AdminCall, user_id: UUID) -> Erased:
    """Erase what is held of a member's work: sessions with all that belongs to them, their share of every report,
    session logs, what they read. Those of admins are erased by an owner, one's own among them. What the member sends
    afterwards, old or new, comes in again.
    """  # noqa: D205 - a paragraph, for people who read the description
    database: Database = request.app.state.database
    async with database.transaction(caller.account_id, read_only=True) as tx:
        member = await find(tx, user_id)
    # Their own too: what an admin read is not theirs to wipe.
    caller.require(needed_for(member.account_role))
    await audit.record_call(request, caller, "user.erase", user_id)
    return await within(erase_person(database, request.app.state.storage, caller.account_id, user_id), BUDGET_S)


async def within(
    run: AsyncGenerator[Counter[str], None], seconds: float, despite: tuple[type[Exception], ...] = ()
) -> Erased:
    """As much as one call should take; whoever calls again and again comes to the end. `despite`: what may stop it."""
    rows: Counter[str] = Counter()
    until = time.monotonic() + seconds
    try:
        async with aclosing(run):
            async for gone in run:
                rows += gone
                if +gone and time.monotonic() > until:
                    return Erased(rows=rows, done=False)
    except despite:
        log.exception("erasure interrupted", rows=dict(rows))
        return Erased(rows=rows, done=False)
    return Erased(rows=rows, done=True)


async def erase_person(
    database: Database, files: RawFiles, account: UUID, user: UUID
) -> AsyncGenerator[Counter[str], None]:
    """Logs first, so that none is read again into facts that are gone; safe to cut off and repeat."""
    async for gone in delete_logs(database, files, account, user):
        yield gone
    async for gone in erase_member(database, account, user):
        yield gone
    while gone := await attempt(database, account, lambda tx: forget_reading(tx, user)):
        yield gone


async def forget_reading(tx: Tx, user: UUID) -> Counter[str]:
    await tx.driver.execute(FORGET_PULL, tx.account, user)
    rows = await tx.driver.fetch(READING, tx.account, user, TRAIL_AT_ONCE)
    await tx.driver.execute(DELETE_READING, tx.account, [row["id"] for row in rows])
    return +Counter(audit_log=len(rows))
