"""Reports: statements of 30 whole days against the plain way and DuckDB, growth, edges, zones, and HTTP."""

import asyncio
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx

from app.analytics.agents import agents
from app.analytics.escalations import escalations
from app.analytics.models import models
from app.analytics.parameters import WindowQuery
from app.analytics.sources import Filters
from app.analytics.summary import summary
from app.analytics.tools import tools
from app.analytics.usage import usage
from app.analytics.users import users
from app.analytics.window import Window
from app.auth.caller import USER, Caller
from app.auth.tokens import TokenAuthority
from app.auth.trust import trusted_keys
from app.db.engine import NOBODY, Database, Tx
from app.settings import Settings
from benchmarks import plain
from benchmarks.database import database, environment
from benchmarks.database import plain as address
from benchmarks.dataset import Dataset, Filled, Scale, prepare
from benchmarks.figure import Figure, interleaved
from benchmarks.load import requests_a_second
from benchmarks.recording import Report, Run, recorded, seconds, whole
from benchmarks.server import serving

ROUNDS, SLOW_ROUNDS, HTTP_ROUNDS, SECONDS = 25, 3, 5, 3.0
ZONE = "Europe/Berlin"
PLAIN, DUCKDB = "the plain way", "DuckDB"
EVERYTHING = Filters({})
ADMIN = Caller(NOBODY, NOBODY, "admin", "", "", None, "", ZONE, 0, None)
AIM = "≥ 200"


def window(start: int, zone: str = ZONE) -> Window:
    """So many whole days up to yesterday."""
    today = datetime.now(ZoneInfo(ZONE)).date()
    asked = {
        "start_date": str(today - timedelta(days=start)),
        "end_date": str(today - timedelta(days=1)),
        "timezone": zone,
    }
    return Window.of(WindowQuery.model_validate(asked), ZONE, datetime.now(UTC))


def reports(days: Window) -> dict[str, Report]:
    return {
        "usage": lambda tx: usage(tx, days, EVERYTHING, compare=False),
        "agents": lambda tx: agents(tx, days, EVERYTHING, compare=False),
        "models": lambda tx: models(tx, days, EVERYTHING, compare=False),
        "summary": lambda tx: summary(tx, days),
        "users": lambda tx: users(tx, ADMIN, days, EVERYTHING, compare=False),
        "tools": lambda tx: tools(tx, days, [], compare=False),
    }


@dataclass(frozen=True)
class Bench:
    """One event loop, one pool, a superuser for what is compared with, and the data set."""

    runner: asyncio.Runner
    values: dict[str, str]
    settings: Settings
    database: Database
    owner: "asyncpg.Connection[Any]"
    data: Dataset

    def timed(self, of: Filled, report: Report) -> Callable[[], float]:
        """Milliseconds of the report's statements alone."""
        runs = self.runner.run(recorded(self.database, of, report))
        return lambda: 1000 * self.runner.run(seconds(self.database, of, runs))

    def entire(self, of: Filled, report: Report) -> Callable[[], float]:
        """Milliseconds of statements and Python together."""
        return lambda: 1000 * self.runner.run(whole(self.database, of, report))


def measure(scale: Scale) -> list[Figure]:
    with bench(scale) as found:
        return [*statements(found), *growth(found), *edges(found), *over_http(found)]


@contextmanager
def bench(scale: Scale) -> Iterator[Bench]:
    with database() as addresses, asyncio.Runner() as runner:
        values = environment(addresses)
        settings = Settings(_env_file=None, **values)  # type: ignore[arg-type]
        data = prepare(addresses, settings, scale)
        pool = Database(addresses.application, settings)
        owner = runner.run(asyncpg.connect(address(addresses.owner)))
        values["BENCH_URL"] = address(addresses.application)
        yield Bench(runner, values, settings, pool, owner, data)
        runner.run(owner.close())
        runner.run(pool.close())


def statements(found: Bench) -> Iterator[Figure]:
    """30 whole days of the big account."""
    days, big = window(30), found.data.big
    with tempfile.TemporaryDirectory() as folder:
        duck = found.runner.run(plain.copied(found.owner, big.id, Path(folder)))
    for name, report in reports(days).items():
        ours = interleaved({"ours": found.timed(big, report), "all": found.entire(big, report)}, ROUNDS)
        others = interleaved(
            {
                PLAIN: partial(plainly, found, name, days),
                DUCKDB: partial(clocked, partial(plain.scan, duck, name, days.start, days.stop)),
            },
            SLOW_ROUNDS,
        )
        yield Figure(f"/{name}, statements", ours["ours"], "ms", others[PLAIN] / ours["ours"], PLAIN, AIM)
        yield Figure(f"/{name}, statements", ours["ours"], "ms", others[DUCKDB] / ours["ours"], DUCKDB, "> 1")
        yield Figure(f"/{name}, statements and Python", ours["all"], "ms")
        yield from (Figure(f"  {side}", others[side], "ms") for side in (PLAIN, DUCKDB))


def plainly(found: Bench, name: str, days: Window) -> float:
    began = time.perf_counter()
    found.runner.run(plain.plain(found.owner, name, found.data.big.id, days.start, days.stop))
    return 1000 * (time.perf_counter() - began)


def clocked(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def growth(found: Bench) -> Iterator[Figure]:
    """Ten times the messages, whole days."""
    for name, report in reports(window(30)).items():
        sides = {"big": found.timed(found.data.big, report), "medium": found.timed(found.data.medium, report)}
        interleaved(sides, 2)
        ms = interleaved(sides, ROUNDS)
        yield Figure(f"/{name}, ten times the messages", ms["big"], "ms", ms["big"] / ms["medium"], "a tenth", "≤ 1.2")


def edges(found: Bench) -> Iterator[Figure]:
    """What costs more than whole days: partial days, other zones, filters that no rollup holds."""
    big, now = found.data.big, Window.of(WindowQuery(), ZONE, datetime.now(UTC))
    days, away, opposite = window(30), window(30, "Asia/Kathmandu"), window(30, "Pacific/Auckland")
    member = Filters({"user": [found.runner.run(found.owner.fetchval(A_MEMBER, big.id))]})
    cases: Mapping[str, Report] = {
        "/usage, the last 30 days to this minute": reports(now)["usage"],
        "/agents, the last 30 days to this minute": reports(now)["agents"],
        "/usage, 30 days of another zone": reports(away)["usage"],
        "/agents, 30 days of another zone": reports(away)["agents"],
        "/usage, 30 days of a zone whose midnight is our noon": reports(opposite)["usage"],
        "/agents, 30 days of a zone whose midnight is our noon": reports(opposite)["agents"],
        "/usage of one model": lambda tx: usage(tx, days, Filters({"model": ["model-1"]}), compare=False),
        "/usage of one member": lambda tx: usage(tx, days, member, compare=False),
        "/agents of one member": lambda tx: agents(tx, days, member, compare=False),
    }
    for name, report in cases.items():
        ms = interleaved({name: found.entire(big, report)}, 7)[name]
        yield Figure(name, ms, "ms", aim="≤ 60")
    ninety = Window.of(WindowQuery(), ZONE, datetime.now(UTC), timedelta(days=90))
    ms = interleaved({"": found.entire(big, partial(of_90_days, ninety))}, ROUNDS)[""]
    yield Figure("/flowpilot/escalations, 90 days", ms, "ms", aim="≤ 15")


A_MEMBER = "SELECT user_id FROM member_days WHERE account_id = $1 LIMIT 1"


async def of_90_days(ninety: Window, tx: Tx) -> object:
    return await escalations(tx, ninety, "90d")


def over_http(found: Bench) -> Iterator[Figure]:
    """One worker, eight connections, /usage of 30 whole days of the big account."""
    big, days = found.data.big, window(30)
    runs: list[Run] = [
        (USER.sql, USER._values(Tx(big.id, None, None), {"user": big.reader})),  # type: ignore[arg-type]  # noqa: SLF001
        *found.runner.run(recorded(found.database, big, reports(days)["usage"])),
    ]
    token = TokenAuthority(trusted_keys(found.settings)).issue(big.reader, big.id)
    headers = {"Authorization": f"Bearer {token}"}
    asked = f"/api/v1/analytics/usage?start_date={days.days[0]}&end_date={days.days[-1]}"
    with tempfile.NamedTemporaryFile() as file, ExitStack() as running:
        Path(file.name).write_bytes(pickle.dumps((big.id, runs)))
        start = partial(start_server, running, {**found.values, "BENCH_RUNS": file.name})
        ours, bare, hello = map(
            start, ("app.main:create_app", "benchmarks.bare_report:same_statements", "benchmarks.bare:hello")
        )
        tag = httpx.get(ours + asked, headers=headers).raise_for_status().headers["ETag"]
        sides = {
            "ours": partial(requests_a_second, ours + asked, headers, SECONDS),
            "304": partial(requests_a_second, ours + asked, {**headers, "If-None-Match": tag}, SECONDS),
            "bare": partial(requests_a_second, bare + asked, headers, SECONDS),
            "hello": partial(requests_a_second, f"{hello}/api/v1/me", headers, SECONDS),
        }
        interleaved(sides, 1)
        rates = interleaved(sides, HTTP_ROUNDS)
    yield Figure("bare Starlette, same statements", rates["bare"], "requests/s")
    yield Figure("GET /usage", rates["ours"], "requests/s", rates["ours"] / rates["bare"], "bare Starlette", "≥ 0.60")
    yield Figure(
        "GET /usage, 304", rates["304"], "requests/s", rates["304"] / rates["hello"], "FastAPI hello", "≥ 0.50"
    )


def start_server(running: ExitStack, environment: dict[str, str], factory: str) -> str:
    return running.enter_context(serving(factory, environment))
