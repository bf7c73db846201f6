"""Rollups one can trust: verify them, rebuild them, move them to another zone.

Writers share an account's facts; what counts whole days anew holds them alone, a few days at a time, so that an
account goes on taking in facts while it is rebuilt. Done twice, or cut off and begun again, it ends the same.
"""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from app.db.engine import Database, Tx
from app.facts import recount, retotal
from app.facts.calendar import Calendar, monday
from app.facts.recount import Difference, Span
from app.facts.write import ALONE, SETTINGS

# Its clock is running already: it can be stopped, not set later. Each statement still has a limit.
# A change of zone moves every day at once, in one transaction: reports see the old days or the new, never a mix.
PATIENCE = "SET LOCAL transaction_timeout = 0; SET LOCAL statement_timeout = '5min'; SET LOCAL lock_timeout = '30s'"
SET_COUNTED_FROM = "UPDATE account_versions SET counted_from = $2 WHERE account_id = $1 AND facts_from IS NOT NULL"
RENEW = "UPDATE account_versions SET version = version + 1 WHERE account_id = $1"
SESSIONS_AT_ONCE = 500
FIRST = UUID(int=0)
DAYS_SAMPLED, SESSIONS_SAMPLED = 3, 100


@dataclass(frozen=True)
class Progress:
    """How far it has come: parts done of all, and what was found in the last."""

    done: int
    total: int
    differences: Sequence[Difference] = ()
    next_day: date | None = None


def parts(days: Sequence[date]) -> list[Sequence[date]]:
    """By week: so each is compared and counted anew once."""
    return [[*week] for _, week in groupby(days, key=monday)]


async def verify(database: Database, account: UUID, skip: int = 0) -> AsyncIterator[Progress]:
    """Compare every day and every session with a fresh count. Changes nothing, and disturbs nobody.

    `skip`: so many parts were compared before.
    """
    async with database.transaction(account, read_only=True) as tx:
        calendar, days, sessions = await extent(tx)
    weeks = parts(days)
    total = len(weeks) + len(sessions)
    for done, week in enumerate(weeks[skip:], skip + 1):
        async with database.transaction(account, read_only=True, snapshot=True) as tx:
            yield Progress(done, total, await recount.compare(tx, Span.of(calendar, week)))
    for done, some in enumerate(sessions[max(0, skip - len(weeks)) :], max(skip, len(weeks)) + 1):
        async with database.transaction(account, read_only=True, snapshot=True) as tx:
            yield Progress(done, total, await retotal.compare(tx, some))


async def sample(database: Database, account: UUID) -> list[Difference]:
    """Compare a few days and sessions, drawn by lot, with a fresh count: little work, and in time it sees them all."""
    async with database.transaction(account, read_only=True) as tx:
        settings = await tx.driver.fetchrow(SETTINGS, account)
        calendar = Calendar(settings["timezone"])
        days = await recount.days_of(tx, calendar, settings["counted_from"])
    drawn = random.sample(days, min(DAYS_SAMPLED, len(days)))
    async with database.transaction(account, read_only=True, snapshot=True) as tx:
        found = await recount.compare(tx, Span.of(calendar, sorted(drawn)))
        sessions: set[UUID] = set()
        # Ids are hashes: those after any one are as good as drawn by lot; after the last comes the first.
        for after in (UUID(int=random.getrandbits(128)), FIRST):
            wanted = SESSIONS_SAMPLED - len(sessions)
            sessions |= {*await retotal.sessions_after(tx, after, settings["facts_from"], wanted)}
        return found + await retotal.compare(tx, sorted(sessions))


async def rebuild(database: Database, account: UUID, since: date | None = None) -> AsyncIterator[Progress]:
    """Count every day and every session anew, some at a time; `since` goes on where another run stopped."""
    async with database.transaction(account, read_only=True) as tx:
        calendar, days, sessions = await extent(tx)
    weeks = parts([day for day in days if since is None or day >= since])
    total = len(weeks) + len(sessions)
    for done, week in enumerate(weeks, 1):
        async with database.transaction(account) as tx:
            await tx.driver.execute(ALONE, str(account))
            await recount.replace(tx, Span.of(calendar, week))
            await tx.driver.execute(RENEW, account)
        yield Progress(done, total, next_day=weeks[done][0] if done < len(weeks) else None)
    for done, some in enumerate(sessions, len(weeks) + 1):
        async with database.transaction(account) as tx:
            await tx.driver.execute(ALONE, str(account))
            await retotal.replace(tx, some)
        yield Progress(done, total)


async def extent(tx: Tx) -> tuple[Calendar, list[date], list[list[UUID]]]:
    """What can be counted: the zone, the days, and the sessions in handfuls."""
    settings = await tx.driver.fetchrow(SETTINGS, tx.account)
    calendar = Calendar(settings["timezone"])
    days = await recount.days_of(tx, calendar, settings["counted_from"])
    handfuls, last = [], FIRST
    while some := await retotal.sessions_after(tx, last, settings["facts_from"], SESSIONS_AT_ONCE):
        handfuls.append(some)
        last = some[-1]
    return calendar, days, handfuls


async def change_zone(tx: Tx, zone: str) -> None:
    """Give the account another zone, its rollups with it. Days whose facts are gone stay as they were counted."""
    await tx.driver.execute(PATIENCE)
    await tx.driver.execute(ALONE, str(tx.account))
    settings = await tx.driver.fetchrow(SETTINGS, tx.account)
    old, new = Calendar(settings["timezone"]), Calendar(zone)
    await tx.driver.execute("UPDATE accounts SET timezone = $2 WHERE id = $1", tx.account, zone)
    counted = await recount.days_of(tx, old, settings["counted_from"])
    if counted:
        await recount.clear(tx, counted)
        # From the first instant of the first whole old day on, everything is counted into new days.
        begin = old.start(counted[0])
        await tx.driver.execute(SET_COUNTED_FROM, tx.account, begin)
        days = [day for day in await recount.days_of(tx, new, None) if new.end(day) > begin]
        for week in parts(days):
            await recount.insert(tx, Span.of(new, week, begin))
        await recount.renew_weeks(tx, [*counted, *days])
    await tx.driver.execute(RENEW, tx.account)


def explain(differences: Sequence[Difference]) -> list[dict[str, Any]]:
    return [
        {"table": d.table, "key": [str(part) for part in d.key], "stored": d.stored, "facts": d.counted}
        for d in differences
    ]
