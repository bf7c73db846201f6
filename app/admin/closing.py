"""DELETE /api/v1/account: the account and everything it holds, in every table and in the store of raw files.

First it is closed to its members, at once. Then rows go table by table, in batches that no limit stops; the account's
own row goes last, so whatever dies in between, the closed account tells where to go on: the worker does, or the
operator's `tally account delete`. Nothing stays, the audit included; the server's log says who closed which account.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from sqlalchemy import Table, or_, select, update

from app.admin.erasure import Erased, within
from app.admin.raw_files import RawFiles, delete_logs
from app.auth.caller import OwnerCall
from app.auth.guard import GuardedRoute
from app.db.attempts import attempt
from app.db.engine import Database, Tx
from app.facts.recount import PATIENCE_S
from app.facts.upkeep import PATIENCE
from app.facts.write import ALONE
from app.models import Model
from app.models.account import Account
from app.models.account_directory import AccountDirectory
from app.models.job_lease import JobLease
from app.models.job_run import JobRun
from app.web.problems import Unprocessable
from app.web.schema import Body, Line

log = structlog.get_logger("tally.closing")
router = APIRouter(prefix="/api/v1/account", tags=["administration"], route_class=GuardedRoute)
BUDGET_S = 20.0
BATCH = 10_000
# Of a table that others point at, each row is looked for in all of them, where what is deleted already lies about.
BATCH_OF_POINTED_AT = 1_000
# In a call nobody waits long; whoever comes later has time for what could not be done so quickly.
HURRY = "SET LOCAL statement_timeout = '10s'"
# They say who is deleting: a worker without its lease would stop.
LAST = (JobLease.__table__, JobRun.__table__)


class Confirmation(Body):
    confirm: Line


@router.delete("")
async def delete_account(request: Request, caller: OwnerCall, confirmation: Confirmation) -> Erased:
    """Delete the account with all it holds: members, keys, facts, reports, session logs, audit. It cannot be undone.
    `confirm` is the account's `display_code` or name. From here on no key and no token of it opens anything; where
    `done` is false, the worker deletes the rest.
    """  # noqa: D205 - a paragraph, for people who read the description
    database: Database = request.app.state.database
    await close(database, caller.account_id, confirmation.confirm)
    log.warning("account closed", account_id=str(caller.account_id), by=str(caller.id))
    # It is closed, whatever comes: the caller, whom nothing lets in any more, is told so and not to try again.
    run = finish(database, request.app.state.storage, caller.account_id, HURRY)
    return await within(run, BUDGET_S, despite=(Exception,))


async def close(database: Database, account: UUID, confirmed: str) -> None:
    """To its members, from the next request on."""
    named = or_(Account.display_code == confirmed, Account.name == confirmed)
    closed = update(Account).where(Account.id == account, named).values(closing_at=datetime.now(UTC))
    async with database.transaction(account) as tx:
        if not (await tx.connection.execute(closed)).rowcount:
            rule = "must be this account's display_code or name"
            raise Unprocessable(
                f"The confirmation {rule}.", errors=[{"loc": ["body", "confirm"], "msg": rule, "type": "confirm"}]
            )


async def finish(
    database: Database, files: RawFiles, account: UUID, limits: str = PATIENCE
) -> AsyncGenerator[Counter[str], None]:
    """Delete what a closed account holds. Cut off anywhere, the next run goes on."""
    await attempt(database, account, partial(outlast_writers, limits))
    async for gone in delete_logs(database, files, account):
        yield gone
    for table in emptied():
        if table in LAST:
            continue
        while gone := await attempt(database, account, partial(delete_batch, table, limits)):
            yield gone
    yield await attempt(database, account, partial(vanish, limits))


async def outlast_writers(limits: str, tx: Tx) -> None:
    """Who was at it when the account was closed comes to an end first; who comes later meets a closed account."""
    await tx.driver.execute(limits)
    await tx.driver.execute(ALONE, str(tx.account))


async def resume(database: Database, files: RawFiles, account: UUID) -> int:
    """For the worker: go on with an account that is being closed. How many rows went."""
    async with database.transaction(account, read_only=True) as tx:
        closing = await tx.connection.scalar(select(Account.closing_at).where(Account.id == account))
    if closing is None:
        return 0
    return sum([gone.total() async for gone in finish(database, files, account)])


def emptied() -> Sequence[Table]:
    """Every table of accounts, those that others point at last: a new one is among them by itself."""
    own = Account.__table__, AccountDirectory.__table__
    return [table for table in reversed(Model.metadata.sorted_tables) if table not in own]


async def delete_batch(table: Table, limits: str, tx: Tx) -> Counter[str]:
    await tx.driver.execute(limits)
    pointed_at = {key.column.table for other in emptied() for key in other.foreign_keys}
    return await delete_some(tx, table, min(BATCH, BATCH_OF_POINTED_AT) if table in pointed_at else BATCH)


async def delete_some(tx: Tx, table: Table, most: int | None = None) -> Counter[str]:
    """By where the rows lie: every table has that, and it needs no plan."""
    chosen = f"SELECT ctid FROM {table.name} WHERE account_id = $1 LIMIT $2"
    sql = f"DELETE FROM {table.name} WHERE account_id = $1 AND ctid = ANY (ARRAY({chosen}))"
    tag = await tx.driver.execute(sql, tx.account, most, timeout=PATIENCE_S)
    return +Counter({str(table.name): int(tag.rpartition(" ")[2])})


async def vanish(limits: str, tx: Tx) -> Counter[str]:
    """The account itself, and what a writer who was still at it left meanwhile: after this none can write."""
    await outlast_writers(limits, tx)
    gone: Counter[str] = Counter()
    for table in emptied():
        gone += await delete_some(tx, table)
    await tx.driver.execute("DELETE FROM accounts WHERE id = $1", tx.account, timeout=PATIENCE_S)
    await tx.driver.execute("DELETE FROM account_directory WHERE account_id = $1", tx.account)
    return gone + Counter(accounts=1)
