"""The typed transaction: whole or not at all, within its limits, never lent on half open."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import URL, text

from app.db.addresses import Addresses, BadAddress
from app.db.engine import Database, NotCommitted, Unreachable, inspect_server
from tests.people import Company
from tests.serving import operator, pool

STATES = """
    SELECT coalesce(string_agg(DISTINCT state, ', '), 'none') FROM pg_stat_activity
    WHERE usename = 'tally_app' AND datname = current_database()
"""
TERMINATE = """
    SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity
    WHERE usename = 'tally_app' AND datname = current_database()
"""


@pytest.fixture
async def owner(apart: Addresses) -> AsyncIterator[asyncpg.Connection]:
    async with operator(apart) as connection:
        yield connection


async def sleep(database: Database, account: UUID) -> None:
    async with database.transaction(account) as tx:
        await tx.driver.execute("SELECT pg_sleep(30)")


@pytest.mark.parametrize("ticks", range(8))
async def test_a_transaction_cancelled_at_any_moment_leaves_none_open(
    apart: Addresses, owner: asyncpg.Connection, ticks: int
) -> None:
    async with pool(apart, TALLY_POOL_SIZE=1) as database:
        await database.ping()
        for round_ in range(8):
            task = asyncio.create_task(sleep(database, uuid4()))
            for _ in range(ticks):
                await asyncio.sleep(0)
            await asyncio.sleep(round_ / 2000)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            # A cancellation that overtakes its statement is lost; its connection is thrown away and may run on.
            assert "idle in transaction" not in await owner.fetchval(STATES)
        await database.ping()


async def rename(database: Database, account: UUID, name: str) -> None:
    async with database.transaction(account) as tx:
        await tx.driver.execute("UPDATE accounts SET name = $2 WHERE id = $1", tx.account, name)


@pytest.mark.parametrize("seen", ["before", "later"])
async def test_a_snapshot_is_of_its_first_read_and_without_one_each_statement_sees_its_own_moment(
    database: Database, company: Company, seen: str
) -> None:
    snapshot = seen == "before"
    read = "SELECT name FROM accounts WHERE id = $1"
    async with database.transaction(company.id, read_only=True, snapshot=snapshot) as tx:
        await rename(database, company.id, "before")
        assert await tx.driver.fetchval(read, tx.account) == "before"
        await rename(database, company.id, "later")
        assert await tx.driver.fetchval(read, tx.account) == seen
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.transaction(company.id, read_only=True, snapshot=snapshot) as tx:
            await tx.driver.execute("UPDATE accounts SET name = '' WHERE id = $1", tx.account)


async def test_a_transaction_cancelled_twice_gives_its_connection_up(
    apart: Addresses, owner: asyncpg.Connection
) -> None:
    async with pool(apart, TALLY_POOL_SIZE=1) as database:
        async with database.transaction(uuid4()) as tx:
            backend = tx.driver.get_server_pid()
        task = asyncio.create_task(sleep(database, uuid4()))
        while not await owner.fetchval("SELECT state = 'active' FROM pg_stat_activity WHERE pid = $1", backend):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        async with database.transaction(uuid4()) as tx:
            assert tx.driver.get_server_pid() != backend


async def test_a_failure_rolls_everything_back(apart: Addresses) -> None:
    async with pool(apart) as database:
        account = uuid4()
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what fails
            async with database.transaction(account) as tx:
                await tx.driver.execute("INSERT INTO account_versions (account_id) VALUES ($1)", account)
                raise ZeroDivisionError
        async with database.transaction(account) as tx:
            assert await tx.driver.fetchval("SELECT count(*) FROM account_versions") == 0


async def test_a_swallowed_database_error_is_not_taken_for_a_commit(apart: Addresses) -> None:
    async with pool(apart) as database:
        with pytest.raises(NotCommitted):  # noqa: PT012 - likewise
            async with database.transaction(uuid4()) as tx:
                with pytest.raises(asyncpg.DivisionByZeroError):
                    await tx.driver.execute("SELECT 1 / 0")


async def test_a_read_only_transaction_refuses_writes(apart: Addresses) -> None:
    async with pool(apart) as database:
        account = uuid4()
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with database.transaction(account, read_only=True) as tx:
                await tx.driver.execute("INSERT INTO account_versions (account_id) VALUES ($1)", account)


@pytest.mark.parametrize("read_only", [True, False])
async def test_every_transaction_carries_its_limits_and_leaves_none_behind(apart: Addresses, read_only: bool) -> None:  # noqa: FBT001
    wanted = {
        "statement_timeout": "1111ms",
        "lock_timeout": "222ms",
        "transaction_timeout": "3333ms",
        "idle_in_transaction_session_timeout": "444ms",
    }
    changes = {
        "TALLY_STATEMENT_TIMEOUT_MS": 1111,
        "TALLY_LOCK_TIMEOUT_MS": 222,
        "TALLY_TRANSACTION_TIMEOUT_MS": 3333,
        "TALLY_IDLE_TIMEOUT_MS": 444,
    }
    async with pool(apart, TALLY_POOL_SIZE=1, **changes) as database:
        async with database.transaction(uuid4(), read_only=read_only) as tx:
            assert {name: await tx.driver.fetchval(f"SHOW {name}") for name in wanted} == wanted
        async with database.lend() as (_, driver):
            assert await driver.fetchval("SHOW statement_timeout") == "0"
            assert await driver.fetchval("SELECT current_setting('app.account_id')") == ""


async def test_a_pool_that_is_empty_says_so_in_time_and_recovers(apart: Addresses) -> None:
    async with pool(apart, TALLY_POOL_SIZE=2, TALLY_POOL_TIMEOUT=0.3) as database:
        async with database.transaction(uuid4()), database.transaction(uuid4()):
            began = time.monotonic()
            with pytest.raises(Unreachable):
                await database.ping()
            assert 0.2 < time.monotonic() - began < 2
        await database.ping()


async def test_whoever_waits_for_a_connection_gets_it_in_turn(apart: Addresses) -> None:
    async with pool(apart, TALLY_POOL_SIZE=2, TALLY_POOL_TIMEOUT=5) as database:
        async with database.lend(), database.lend():
            pass  # opened before: who opens one is busy while others take their turns
        turns = [0] * 6
        end = time.monotonic() + 2

        async def insist(n: int) -> None:
            while time.monotonic() < end:
                async with database.transaction(uuid4(), read_only=True) as tx:
                    await tx.driver.execute("SELECT pg_sleep(0.01)")
                turns[n] += 1

        await asyncio.gather(*(insist(n) for n in range(6)))
        assert max(turns) <= min(turns) + 2


async def test_after_a_restart_of_the_server_no_transaction_fails(apart: Addresses, owner: asyncpg.Connection) -> None:
    async with pool(apart, TALLY_POOL_SIZE=5) as database:
        for _ in range(3):
            await asyncio.gather(*(database.ping() for _ in range(5)))
            assert await owner.fetchval(TERMINATE) >= 5
            await asyncio.sleep(0.05)


async def test_a_server_that_freezes_holds_nobody_for_ever(apart: Addresses) -> None:
    changes = {"TALLY_POOL_SIZE": 1, "TALLY_STATEMENT_TIMEOUT_MS": 200}
    if apart.owner.host and not str(apart.owner.query.get("host", "")).startswith("/"):
        pytest.skip("only a server on this machine can be frozen")
    async with pool(apart, **changes) as database:
        async with database.transaction(uuid4()) as tx:
            backend = tx.driver.get_server_pid()
        os.kill(backend, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                await database.ping()
            assert time.monotonic() - began < 10
        finally:
            os.kill(backend, signal.SIGCONT)
        await database.ping()


async def test_a_role_above_row_level_security_is_refused(apart: Addresses) -> None:
    above = Addresses(application=apart.owner, owner=apart.owner)
    async with pool(above) as database:
        with pytest.raises(BadAddress, match="row-level security does not bind"):
            await inspect_server(database)


async def test_nothing_listening_is_unreachable() -> None:
    nowhere = URL.create("postgresql+asyncpg", "tally_app", host="127.0.0.1", port=9, database="tally")
    async with pool(Addresses(application=nowhere, owner=nowhere)) as database:
        with pytest.raises(Unreachable):
            await database.ping()


async def test_a_connection_is_used_again_whichever_way_its_statements_went(apart: Addresses) -> None:
    async with pool(apart) as database:
        backends = set()
        for _ in range(3):
            async with database.transaction(uuid4()) as tx:
                backends.add(await tx.connection.scalar(text("SELECT pg_backend_pid()")))
            async with database.transaction(uuid4()) as tx:
                assert not tx.connection.in_transaction()
                backends.add(await tx.driver.fetchval("SELECT pg_backend_pid()"))
        assert len(backends) == 1
