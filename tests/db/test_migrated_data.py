"""Revisions over loaded data: what was counted before an upgrade is counted after it."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import UUID

from alembic import command

from app.admin.founding import account_ids, add_user, create_account
from app.db.addresses import Addresses
from app.db.engine import Database
from app.facts import retention, upkeep
from tests.factories import Logbook, ago
from tests.server import migrate, migrations_of, settings_for
from tests.serving import empty_database

# The first revision with facts and rollups.
FIRST = "0003"
ZONES = ("America/New_York", "Asia/Kathmandu")


async def load(database: Database) -> None:
    chance = Random(7)
    for zone in ZONES:
        account = (await create_account(database, zone, zone))["id"]
        people = [(await add_user(database, account, f"{n}@example.com", "viewer"))["id"] for n in range(3)]
        log = Logbook(database, account)
        for n in range(40):
            began = ago(days=20 * chance.random())
            session = log.session(began, user_id=chance.choice(people))
            for minute in range(5):
                names = {
                    "agent_name": chance.choice([None, "a", "b"]),
                    "model_id": chance.choice([None, "gpt-4o", "x"]),
                }
                ms = chance.choice([None, 0, 1, 900, 40_000, 2**31 - 1])
                at = began + timedelta(minutes=minute)
                log.message(session, at, role="assistant", given_response_ms=ms, input_tokens=n, **names)
                log.call(session, at, name=chance.choice([None, "read"]), given_duration_ms=ms)
        await log.write()
        # Of some days only the rollups are left.
        await keep(database, account, 8)


async def keep(database: Database, account: UUID, days: int) -> None:
    async with database.transaction(account) as tx:
        await tx.driver.execute("UPDATE accounts SET retention_days = $2 WHERE id = $1", account, days)
    _ = [cleared async for cleared in retention.apply(database, account)]


# In New York, whose days begin with an hour; those of Kathmandu do not.
OTHER_DAYS = """
    SELECT (hour AT TIME ZONE 'America/New_York')::date AS day, sum(messages)::bigint FROM account_hours
    WHERE account_id = $1 GROUP BY 1
    EXCEPT SELECT day, messages FROM subject_days WHERE account_id = $1 AND subject = 'account'
"""


async def counts(database: Database) -> list[object]:
    """What is not as the facts say, and how much there is in all."""
    found: list[object] = []
    for account in sorted(await account_ids(database)):
        found += [d async for progress in upkeep.verify(database, account) for d in progress.differences]
        async with database.transaction(account, read_only=True) as tx:
            found.append(await tx.driver.fetchval("SELECT count(*) FROM subject_days WHERE account_id = $1", account))
            for table in ("account_hours", "session_hours"):
                sums = f"SELECT sum(messages)::bigint FROM {table} WHERE account_id = $1"
                found.append(await tx.driver.fetchval(sums, account))
            zone = await tx.driver.fetchval("SELECT timezone FROM accounts WHERE id = $1", account)
            found += await tx.driver.fetch(OTHER_DAYS, account) if zone == ZONES[0] else []
    return found


def test_rollups_are_exact_after_the_way_down_and_up_again(addresses: Addresses) -> None:
    with empty_database(addresses) as found:
        migrate(found)

        async def run(work: object) -> list[object]:
            database = Database(found.application, settings_for(found))
            try:
                return await work(database)  # type: ignore[operator,no-any-return]
            finally:
                await database.close()

        asyncio.run(run(load))
        before = asyncio.run(run(counts))
        assert before[1:3] == before[4:6] == [200, 200]
        command.downgrade(migrations_of(found), FIRST)
        migrate(found)
        assert asyncio.run(run(counts)) == before
