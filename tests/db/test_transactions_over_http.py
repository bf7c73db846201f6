"""The typed transaction behind HTTP: whoever passes a limit is told so, and nothing undone is answered as done."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from fastapi import APIRouter, FastAPI

from app.auth.caller import ViewerChange, ViewerTx
from app.auth.guard import GuardedRoute
from app.db.addresses import Addresses
from tests.people import Company
from tests.serving import Api, operator, serving


@pytest.fixture
async def owner(apart: Addresses) -> AsyncIterator[asyncpg.Connection]:
    async with operator(apart) as connection:
        yield connection


def misbehave(app: FastAPI) -> None:
    """Routes that do what a test says, in the transactions every route has."""
    router = APIRouter(route_class=GuardedRoute)

    @router.get("/test/{seconds}")
    async def read_slowly(tx: ViewerTx, seconds: float) -> str:
        await tx.driver.execute("SELECT pg_sleep($1)", seconds)
        return "done"

    @router.get("/test/steps/{seconds}")
    async def read_in_steps(tx: ViewerTx, seconds: float) -> str:
        for _ in range(100):
            await tx.driver.execute("SELECT pg_sleep($1)", seconds / 100)
        return "done"

    @router.get("/test/idle/{seconds}")
    async def read_idly(tx: ViewerTx, seconds: float) -> str:
        await asyncio.sleep(seconds)
        await tx.driver.execute("SELECT 1")
        return "done"

    @router.post("/test/locked")
    async def change_locked(tx: ViewerChange) -> str:
        await tx.driver.execute("SELECT 1 FROM users WHERE account_id = $1 FOR UPDATE", tx.account)
        return "done"

    @router.post("/test/killed")
    async def change_and_die(tx: ViewerChange) -> str:
        await tx.driver.execute("UPDATE users SET name = 'killed' WHERE account_id = $1", tx.account)
        app.state.hook(tx.driver.get_server_pid())
        await app.state.killed.wait()
        return "done"

    app.include_router(router)


LIMITS = {
    "TALLY_POOL_SIZE": 2,
    "TALLY_POOL_TIMEOUT": 0.1,
    "TALLY_STATEMENT_TIMEOUT_MS": 300,
    "TALLY_LOCK_TIMEOUT_MS": 200,
    "TALLY_TRANSACTION_TIMEOUT_MS": 700,
    "TALLY_IDLE_TIMEOUT_MS": 400,
}


@pytest.fixture
async def api(apart: Addresses) -> AsyncIterator[Api]:
    async with serving(apart, **LIMITS) as api:
        misbehave(api.app)
        yield api


@pytest.fixture
async def acme(api: Api) -> Company:
    return await api.founder.company()


@pytest.mark.parametrize("path", ["/test/5", "/test/steps/5", "/test/idle/1"])
async def test_whoever_passes_a_limit_is_told_to_try_again_and_harms_nobody(api: Api, acme: Company, path: str) -> None:
    began = time.monotonic()
    answer = await api.client.get(path, headers=acme.viewer.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) >= 1
    assert time.monotonic() - began < 3
    for _ in range(3):
        assert (await api.client.get("/test/0", headers=acme.viewer.headers)).status_code == 200


async def test_whoever_waits_too_long_for_a_lock_is_told_to_try_again(
    api: Api, acme: Company, owner: asyncpg.Connection
) -> None:
    async with owner.transaction():
        await owner.execute("SELECT 1 FROM users WHERE account_id = $1 FOR UPDATE", acme.id)
        answer = await api.client.post("/test/locked", headers=acme.viewer.headers)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert (await api.client.post("/test/locked", headers=acme.viewer.headers)).status_code == 200


async def test_when_all_connections_are_taken_callers_are_told_and_probes_live(api: Api, acme: Company) -> None:
    async with api.database.transaction(uuid4()), api.database.transaction(uuid4()):
        began = time.monotonic()
        answer = await api.client.get("/api/v1/me", headers=acme.viewer.headers)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert answer.json()["detail"] == "Tally is busy at the moment; nothing was lost, try again."
        assert time.monotonic() - began < 2
        assert (await api.client.get("/health/live")).status_code == 200
        assert (await api.client.get("/health/ready")).status_code == 503
    assert (await api.client.get("/api/v1/me", headers=acme.viewer.headers)).status_code == 200


async def test_a_server_that_takes_no_more_connections_is_called_busy_not_away(
    apart: Addresses, owner: asyncpg.Connection
) -> None:
    name = await owner.fetchval("SELECT quote_ident(current_database())")
    await owner.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    try:
        async with serving(apart) as full:
            answer = await full.client.get("/health/ready")
    finally:
        await owner.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert "Tally is busy" in answer.json()["detail"]


async def test_a_commit_that_fails_is_not_answered_as_done(api: Api, acme: Company, owner: asyncpg.Connection) -> None:
    await owner.execute("""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the secret reason' USING ERRCODE = '53100'; END $$;
        CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON accounts DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refuse();
    """)
    try:
        answer = await api.client.patch("/api/v1/account", json={"name": "New"}, headers=acme.admin.headers)
    finally:
        await owner.execute("DROP TRIGGER late ON accounts; DROP FUNCTION refuse")
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert (await api.client.get("/api/v1/account", headers=acme.admin.headers)).json()["name"] == "Acme"


async def test_a_connection_lost_before_the_commit_is_not_answered_as_done(
    api: Api, acme: Company, owner: asyncpg.Connection
) -> None:
    backend: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    api.app.state.hook, api.app.state.killed = backend.set_result, asyncio.Event()
    request = asyncio.create_task(api.client.post("/test/killed", headers=acme.viewer.headers))
    await owner.execute("SELECT pg_terminate_backend($1, 1000)", await backend)
    await asyncio.sleep(0.05)
    api.app.state.killed.set()
    answer = await request
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert await owner.fetchval("SELECT count(*) FROM users WHERE name = 'killed'") == 0
    assert (await api.client.get("/api/v1/me", headers=acme.viewer.headers)).status_code == 200
