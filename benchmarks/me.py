"""GET /api/v1/me: what a token, a role read per request, row-level security, limits, a log line and metrics cost."""

import asyncio
import secrets
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from app.admin.founding import add_user, create_account
from app.auth.tokens import TokenAuthority
from app.auth.trust import trusted_keys
from app.cli.migrate import upgrade
from app.cli.operator import run_on
from app.db.addresses import Addresses, of_embedded
from app.db.embedded import Embedded
from app.db.engine import Database
from app.settings import Settings
from benchmarks.figure import Figure, interleaved
from benchmarks.load import requests_a_second
from benchmarks.server import serving

ROUNDS = 5
SECONDS = 3.0
BARE = "bare FastAPI + asyncpg, same two statements"


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder, Embedded(Path(folder)) as server:
        addresses = of_embedded(server)
        upgrade(addresses)
        return compare(addresses)


def compare(addresses: Addresses) -> list[Figure]:
    address = addresses.application.render_as_string(hide_password=False)
    values = {"DATABASE_URL": address, "TALLY_JWT_SECRET": secrets.token_hex(32), "TALLY_RATE_LIMIT": "0"}
    settings = Settings(_env_file=None, **values)  # type: ignore[arg-type]
    account, user, token = asyncio.run(run_on(addresses, settings, partial(found, settings)))
    plain = addresses.application.set(drivername="postgresql").render_as_string(hide_password=False)
    environment = {**values, "BENCH_URL": plain, "BENCH_ACCOUNT": account, "BENCH_USER": user}
    apps = {"ours": "app.main:create_app", BARE: "benchmarks.bare:two_statements", "hello": "benchmarks.bare:hello"}
    headers = {"Authorization": f"Bearer {token}"}
    with ExitStack() as running:
        urls = {name: running.enter_context(serving(factory, environment)) for name, factory in apps.items()}
        sides = {name: partial(requests_a_second, f"{url}/api/v1/me", headers, SECONDS) for name, url in urls.items()}
        interleaved(sides, 1)  # pools fill, caches warm
        rates = interleaved(sides, ROUNDS)
    return [
        Figure("bare FastAPI hello", rates["hello"], "requests/s"),
        Figure(BARE, rates[BARE], "requests/s", rates[BARE] / rates["hello"], "hello"),
        Figure("GET /api/v1/me", rates["ours"], "requests/s", rates["ours"] / rates["hello"], "hello"),
        Figure("GET /api/v1/me", rates["ours"], "requests/s", rates["ours"] / rates[BARE], "bare asyncpg", "≥ 0.60"),
    ]


async def found(settings: Settings, database: Database) -> tuple[str, str, str]:
    account = await create_account(database, "Bench")
    user = await add_user(database, account["id"], "bench@example.com", "engineer")
    token = TokenAuthority(trusted_keys(settings)).issue(user["id"], account["id"])
    return str(account["id"]), str(user["id"]), token
