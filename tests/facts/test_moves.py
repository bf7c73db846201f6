"""Rows with a global id belong to the smallest session that reports them, so writers take them from each other."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from app.db.addresses import Addresses
from tests.facts.delivery import Account, Rows
from tests.people import Founder, Person
from tests.serving import operator, pool

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SESSIONS = [f"s{number:02}" for number in range(30)]
IDS = [f"g{number}" for number in range(60)]
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
# A row may move once more between the look and the lock. Each such meeting costs a second; without the look: 40.
FEW = 24


def message(session: str, own: str) -> Rows:
    at = NOON + timedelta(minutes=int(own[1:]))
    row = {"session_id": session, "id": own, "global_id": own, "role": "user", "created_at": at.isoformat()}
    return [("messages", row)]


async def test_writers_who_take_rows_from_each_others_sessions_hardly_ever_wait_in_a_circle(
    addresses: Addresses, founder: Founder
) -> None:
    async with pool(addresses) as database, operator(addresses) as owner:
        before = await owner.fetchval(DEADLOCKS)
        account = Account(database, await founder.company())
        sender = account.company.admin
        await account.report(sender, [row for own in IDS for row in message(SESSIONS[-1], own)])
        await account.report(sender, [("sessions", {"id": n, "created_at": NOON.isoformat()}) for n in SESSIONS])

        async def write(sender: Person, chance: random.Random) -> None:
            for _ in range(20):
                told = [message(chance.choice(SESSIONS), chance.choice(IDS)) for _ in range(4)]
                await account.report(sender, [row for rows in told for row in rows])

        await asyncio.gather(*(write(sender, random.Random(seed)) for seed in range(8)))
        assert await account.differences() == []
        await database.close()  # which is when servers tell what they counted
        await asyncio.sleep(0.1)
        assert await owner.fetchval(DEADLOCKS) - before < FEW
