"""T8: the same behind PgBouncer in transaction mode, where the next transaction may meet another server."""

import asyncio
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from app.db.addresses import Addresses
from tests.server import migrate
from tests.serving import empty_database, operator, pool, serving
from tests.storm import rage, written

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed (Debian: apt install pgbouncer)")

# Fewer servers than clients, so that every transaction may meet another one.
CONFIGURATION = """
[databases]
* = host={host} port={port} user=tally_app {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
server_reset_query =
ignore_startup_parameters = extra_float_digits
"""


def unprivileged(host: str) -> int | None:
    """PgBouncer refuses to be root; whoever owns the socket's directory is somebody the server lets in."""
    if os.geteuid() != 0:
        return None
    return Path(host).stat().st_uid if host.startswith("/") else pwd.getpwnam("nobody").pw_uid


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def pooler(straight: Addresses) -> Iterator[int]:
    """A PgBouncer in front of the server; its port."""
    server, port = straight.application, free_port()
    host = str(server.query.get("host") or server.host)
    password = f"password='{server.password}'" if server.password else ""
    text = CONFIGURATION.format(host=host, port=server.port or 5432, password=password, listen=port)
    with tempfile.TemporaryDirectory(prefix="tally-") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(text)
        command = [str(PGBOUNCER), "--quiet", str(file)]
        process = subprocess.Popen(command, user=unprivileged(host), cwd="/", stderr=subprocess.PIPE)
        try:
            wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.communicate(timeout=10)


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"pgbouncer did not start: {process.communicate()[1].decode()}")


@pytest.fixture(scope="module")
def behind(addresses: Addresses) -> Iterator[Addresses]:
    """A database of its own, the application's way there through the pooler."""
    with empty_database(addresses) as straight:
        migrate(straight)
        with pooler(straight) as port:
            through = straight.application.difference_update_query(["host"])
            through = through.set(host="127.0.0.1", port=port, password=None)
            yield Addresses(application=through, owner=straight.owner)


POOLED = {"TALLY_PREPARED_STATEMENTS": "false", "TALLY_POOL_SIZE": 4, "TALLY_POOL_TIMEOUT": 20}


async def test_the_storm_behind_the_pooler_shows_nobody_a_foreign_row(behind: Addresses) -> None:
    async with AsyncExitStack() as stack, serving(behind, **POOLED) as api, operator(behind) as owner:
        accounts = [(await api.founder.company(f"Company {n}")).id for n in range(6)]
        databases = [await stack.enter_async_context(pool(behind, **POOLED)) for _ in range(4)]
        weather = await rage(databases, accounts, tasks=300, seed=random.randrange(10**6))
        found = await written(api.database, accounts)
        assert (weather.foreign, weather.failed) == ([], [])
        assert len(weather.cancelled) > 75 < len(weather.finished)
        assert set(found.values()) == {2}
        assert weather.finished <= set(found)
        servers = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tally_app' AND datname = current_database()"
        assert await owner.fetchval(servers) <= 3
        assert await owner.fetchval(f"{servers} AND state LIKE 'idle in%'") == 0


async def test_requests_behind_the_pooler_are_answered_as_ever(behind: Addresses) -> None:
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(serving(behind, **POOLED)) for _ in range(3)]
        # One secret a process in earnest; here each API signs its own people in.
        companies = [await api.founder.company(f"Company {n}") for n, api in enumerate(apis)]

        async def use(n: int) -> None:
            api, company = apis[n], companies[n]
            for _ in range(15):
                me = await api.client.get("/api/v1/me", headers=company.viewer.headers)
                made = await api.client.post("/api/v1/keys", json={"name": "k"}, headers=company.viewer.headers)
                users = await api.client.get("/api/v1/users", headers=company.admin.headers)
                ready = await api.client.get("/health/ready")
                assert [me.status_code, made.status_code, users.status_code, ready.status_code] == [200, 201, 200, 200]
                assert me.json()["account_name"] == f"Company {n}"
                assert len(users.json()["rows"]) == 4

        await asyncio.gather(*(use(n) for n in range(3) for _ in range(4)))


async def test_every_transaction_behind_the_pooler_carries_its_limits_and_account(behind: Addresses) -> None:
    changes = {**POOLED, "TALLY_STATEMENT_TIMEOUT_MS": 1234}
    async with pool(behind, **changes) as database:
        account = uuid4()

        async def look() -> None:
            async with database.transaction(account, read_only=True) as tx:
                assert await tx.driver.fetchval("SHOW statement_timeout") == "1234ms"
                assert await tx.driver.fetchval("SHOW transaction_read_only") == "on"
                assert await tx.driver.fetchval("SELECT current_setting('app.account_id')") == str(account)

        await asyncio.gather(*(look() for _ in range(40)))
