"""A member's own lists over HTTP against a bare handler with the same statements; what the audit costs a report."""

import asyncio
import pickle
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx

from app.auth.caller import USER, CallerTx, read_caller
from app.auth.tokens import Claims, TokenAuthority
from app.auth.trust import trusted_keys
from app.db.engine import Database
from app.me import notes, queries, sessions, sync, tokens
from app.settings import Settings
from app.web.paging import PageQuery
from benchmarks.database import database, environment
from benchmarks.database import plain as address
from benchmarks.dataset import settle, superuser
from benchmarks.figure import Figure, interleaved
from benchmarks.load import requests_a_second
from benchmarks.member import Member, Size, fill
from benchmarks.recording import Noting, Run
from benchmarks.server import serving

PAGE, LATE = 50, 100
# Short and many: whatever else the machine does meanwhile, each side meets the same.
ROUNDS, SECONDS = 7, 0.3
USAGE = "/api/v1/analytics/usage"
ME, ALONE = "GET /me", "its statement alone"
Work = Callable[[CallerTx, str | None], Awaitable[object]]


async def last_pull(tx: CallerTx, cursor: str | None) -> object:
    await sync.LAST_PULL.one(tx, user=tx.caller.id)
    return await notes.page(tx, sync.NEWEST, sync.cursors, PageQuery(limit=PAGE, cursor=cursor))


LISTS: dict[str, Work] = {
    "sessions": lambda tx, cursor: sessions.sessions(tx, sessions.OwnSessionQuery(limit=PAGE, cursor=cursor)),
    "queries": lambda tx, cursor: notes.page(tx, queries.NEWEST, queries.cursors, PageQuery(limit=PAGE, cursor=cursor)),
    "sync": last_pull,
}


@dataclass(frozen=True)
class Bench:
    values: dict[str, str]
    settings: Settings
    database: Database
    runner: asyncio.Runner
    member: Member
    url: str

    @property
    def headers(self) -> dict[str, str]:
        token = TokenAuthority(trusted_keys(self.settings)).issue(self.member.id, self.member.account)
        return {"Authorization": f"Bearer {token}"}

    def late(self, name: str) -> str:
        """The cursor of the hundredth page."""
        cursor = ""
        with httpx.Client(base_url=self.url, headers=self.headers, timeout=30) as client:
            for _ in range(LATE - 1):
                given = {"limit": str(PAGE), **({"cursor": cursor} if cursor else {})}
                answer = client.get(f"/api/v1/me/stats/{name}", params=given).raise_for_status()
                cursor = answer.json()["next_cursor"]
        return cursor


def measure() -> list[Figure]:
    with bench() as found:
        return [*against_floor(found), *what_it_costs(found)]


@contextmanager
def bench() -> Iterator[Bench]:
    with database() as addresses, asyncio.Runner() as runner, ExitStack() as running:
        values = environment(addresses)
        settings = Settings(_env_file=None, **values)  # type: ignore[arg-type]
        pool = Database(addresses.application, settings)
        owner = runner.run(superuser(addresses.owner))
        member = runner.run(fill(pool, owner, Size()))
        runner.run(owner.close())
        runner.run(settle(addresses.owner))
        values["BENCH_URL"] = address(addresses.application)
        url = running.enter_context(serving("app.main:create_app", values))
        yield Bench(values, settings, pool, runner, member, url)
        runner.run(pool.close())


@dataclass(frozen=True)
class Asked:
    """An answer that is measured, and how it is made."""

    path: str
    work: Callable[[CallerTx], Awaitable[object]]


def answers(found: Bench) -> dict[str, Asked]:
    asked = {}
    for name, work in LISTS.items():
        path, cursor = f"/api/v1/me/stats/{name}?limit={PAGE}", found.late(name)
        asked[f"/{name}, first page"] = Asked(path, lambda tx, work=work: work(tx, None))  # type: ignore[misc]
        late = lambda tx, work=work, cursor=cursor: work(tx, cursor)  # noqa: E731
        asked[f"/{name}, page {LATE}"] = Asked(f"{path}&cursor={cursor}", late)
    for days in (30, 365):
        work = partial(tokens.tokens, length=days, now=datetime.now(UTC))
        asked[f"/tokens, {days} days"] = Asked(f"/api/v1/me/stats/tokens?days={days}", work)
    return asked


def against_floor(found: Bench) -> Iterator[Figure]:
    """Milliseconds a request of eight callers at once, against the floor: GET /me, and what the statements add to a
    bare handler.
    """  # noqa: D205 - one sentence
    asked = answers(found)
    with bare_handlers(found, asked) as bare:
        ours = {name: found.url + one.path for name, one in asked.items()}
        addresses = {ME: f"{found.url}/api/v1/me", ALONE: f"{bare}/"}
        # What is compared stands side by side.
        addresses |= {
            side: url
            for n, name in enumerate(asked)
            for side, url in ((name, ours[name]), (f"bare {name}", f"{bare}/{n}"))
        }
        ms = {side: 1000 / rate for side, rate in rates(found, addresses, ROUNDS).items()}
    for name in asked:
        took, floor = ms[name], ms[ME] + ms[f"bare {name}"] - ms[ALONE]
        yield Figure(name, took, "ms", took / floor, "GET /me and its statements", "≤ 1.30")
        yield Figure(name, took, "ms", took / ms[f"bare {name}"], "bare handler, same statements")
    for name in LISTS:
        late = ms[f"/{name}, page {LATE}"]
        yield Figure(f"/{name}, page {LATE}", late, "ms", late / ms[f"/{name}, first page"], "first page", "≤ 1.20")


def rates(found: Bench, addresses: Mapping[str, str], rounds: int) -> dict[str, float]:
    sides = {side: partial(requests_a_second, url, found.headers, SECONDS) for side, url in addresses.items()}
    interleaved(sides, 1)
    return interleaved(sides, rounds)


@contextmanager
def bare_handlers(found: Bench, asked: Mapping[str, Asked]) -> Iterator[str]:
    """By number, the statements of each answer; without one, those of GET /me."""
    runs = {str(n): found.runner.run(recorded(found, one.work)) for n, one in enumerate(asked.values())}
    runs[""] = runs["0"][:1]
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(pickle.dumps((found.member.account, runs)))
        with serving("benchmarks.bare_report:each_its_own", {**found.values, "BENCH_RUNS": file.name}) as url:
            yield url


async def recorded(found: Bench, work: Callable[[CallerTx], Awaitable[object]]) -> list[Run]:
    member = found.member
    claims = Claims(user_id=member.id, account_id=member.account, key_id=None)
    async with found.database.transaction(member.account, read_only=True) as tx:
        noting = Noting(tx.driver)
        who = await read_caller(tx, claims)
        await work(CallerTx(tx.account, tx.connection, noting, who, "", "api", None))
        return [(USER.sql, USER._values(tx, {"user": member.id})), *noting.runs]  # noqa: SLF001


def what_it_costs(found: Bench) -> Iterator[Figure]:
    """One report, read with and without a note behind each answer."""
    with serving("benchmarks.unaudited:silent", found.values) as silent:
        read = rates(found, {"noted": found.url + USAGE, "silent": silent + USAGE}, 4 * ROUNDS)
    yield Figure("GET /usage, audited", read["noted"], "requests/s", read["noted"] / read["silent"], "not", "≥ 0.95")
