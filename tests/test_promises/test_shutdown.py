"""R11 and R12: what ends, ends well; what was away, comes back. With real processes and real signals."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import psutil
import pytest

from app.cli.process import DRAIN_S
from app.db.addresses import Addresses
from app.main import create_app
from app.settings import Settings
from tests.away import Away
from tests.people import Company, Founder
from tests.process import PATIENCE, Running, serving, tally
from tests.server import migrate, plain, settings_for

PROMISED_S = 10.0


@pytest.fixture
def served(addresses: Addresses, settings: Settings, tmp_path: Path) -> Iterator[Running]:
    assert settings.jwt_secret is not None
    with tally(tmp_path, "serve", **serving(addresses, settings.jwt_secret.get_secret_value())) as running:
        yield running


@asynccontextmanager
async def account_locked(addresses: Addresses, account: UUID) -> AsyncIterator[asyncpg.Connection]:
    """Whoever changes the account waits; the connection can see them do so."""
    connection = await asyncpg.connect(plain(addresses.owner))
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", account)
            yield connection
    finally:
        await connection.close()


async def until_somebody_waits(connection: asyncpg.Connection) -> None:
    waiting = "SELECT true FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while not await connection.fetchval(waiting):
        await asyncio.sleep(0.02)


async def until_refused(served: Running) -> None:
    """A moment passes between the signal and the closed door."""
    async with asyncio.timeout(PROMISED_S), httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(f"{served.url}/health/live", headers={"Connection": "close"})
            except httpx.ConnectError:
                return
            except httpx.TransportError:
                pass  # taken just before
            await asyncio.sleep(0.02)


async def test_what_is_in_flight_is_finished_and_nothing_new_is_taken(
    addresses: Addresses, company: Company, served: Running
) -> None:
    began = 0.0
    async with httpx.AsyncClient(base_url=served.url, timeout=PROMISED_S) as client:
        async with account_locked(addresses, company.id) as lock:
            change = client.patch("/api/v1/account", headers=company.admin.headers, json={"retention_days": 7})
            slow = asyncio.create_task(change)
            await until_somebody_waits(lock)
            served.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            await until_refused(served)
            assert not slow.done()
        answer = await slow
    assert (answer.status_code, answer.json()["retention_days"]) == (200, 7)
    assert await asyncio.to_thread(served.wait) == 128 + signal.SIGTERM
    assert time.monotonic() - began < PROMISED_S


async def test_a_request_that_never_ends_does_not_hold_the_exit(
    addresses: Addresses, company: Company, served: Running
) -> None:
    """Its account is unchanged and nobody is told otherwise; the log does not call it a crash."""
    async with (
        httpx.AsyncClient(base_url=served.url, timeout=30) as client,
        account_locked(addresses, company.id) as lock,
    ):
        body = {"retention_days": 7}
        slow = asyncio.create_task(client.patch("/api/v1/account", headers=company.admin.headers, json=body))
        await until_somebody_waits(lock)
        served.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        await asyncio.to_thread(served.wait)
        assert time.monotonic() - began < PROMISED_S
        (ended,) = await asyncio.gather(slow, return_exceptions=True)
        assert isinstance(ended, httpx.TransportError) or (isinstance(ended, httpx.Response) and ended.is_error)
    assert not any('"crash"' in line for line in served.lines())


def test_without_requests_the_exit_is_at_once(served: Running) -> None:
    """Far from the time that requests in flight would be given."""
    began = time.monotonic()
    served.process.send_signal(signal.SIGINT)
    served.wait()
    assert time.monotonic() - began < DRAIN_S


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def until_whole(up: Running) -> list[psutil.Process]:
    """All that it started: the worker comes last, after the first answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        family = psutil.Process(up.process.pid).children(recursive=True)
        names = " ".join(map(command_of, family))
        if "postgres" in names and "worker" in names:
            return family
        time.sleep(0.02)
    raise AssertionError(up.log.read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_nothing_that_up_started_outlives_it(tmp_path: Path, number: signal.Signals) -> None:
    with tally(tmp_path, "up", "--data-dir", str(tmp_path / "data"), "--no-demo") as up:
        family = until_whole(up)
        up.process.send_signal(number)
        up.process.wait(timeout=PROMISED_S)
        _, alive = psutil.wait_procs(family, timeout=PROMISED_S)
    assert alive == []


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Away]:
    found = Away(tmp_path / "data")
    try:
        migrate(found.addresses)
        yield found
    finally:
        found.server.stop()


async def test_a_database_away_is_503_and_back_without_a_restart(away: Away) -> None:
    app = create_app(settings_for(away.addresses))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tally") as client,
    ):
        viewer = (await Founder(app.state.database, app.state.door.authority).company()).viewer
        seen: set[int] = set()
        stop = asyncio.Event()
        load = [asyncio.create_task(ask(client, viewer.headers, seen, stop)) for _ in range(5)]
        await until(lambda: 200 in seen)
        await asyncio.to_thread(away.server.stop)
        assert (await client.get("/health/live")).status_code == 200
        for path in ("/health/ready", "/api/v1/me"):
            answer = await client.get(path, headers=viewer.headers)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.headers["content-type"] == "application/problem+json"
        await until(lambda: 503 in seen)
        await asyncio.to_thread(away.server.start)
        # Who asks while a connection is still tried that was begun before hears what comes of it.
        seen.discard(200)
        await until(lambda: 200 in seen)
        for _ in range(20):
            assert (await client.get("/api/v1/me", headers=viewer.headers)).status_code == 200
        assert (await client.get("/health/ready")).status_code == 200
        stop.set()
        await asyncio.gather(*load)
    assert seen == {200, 503}


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)


async def ask(client: httpx.AsyncClient, headers: dict[str, str], seen: set[int], stop: asyncio.Event) -> None:
    while not stop.is_set():
        seen.add((await client.get("/api/v1/me", headers=headers)).status_code)
        await asyncio.sleep(0.01)
