"""Tells the story to an account through the API, from today backwards, so that a dashboard fills from its end.

The API runs inside this process: the one that serves has nothing to do with it.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
from pydantic import SecretStr
from sqlalchemy import select

from app.cli.demo.log import log_of
from app.cli.demo.people import LOADER, join
from app.cli.demo.story import Rows, Story, told
from app.db.addresses import Addresses
from app.db.engine import Database
from app.facts.calendar import Calendar
from app.main import create_app
from app.models.account import Account
from app.settings import Settings
from app.web.problems import NotFound, Unavailable

BATCHES, PUSHES = "/api/v1/ingest/batches", "/api/v1/sync/pushes"
A_BATCH = 1_000
# Logs of everybody: of one member a call takes a thousand.
LOGS_AT_ONCE = 500
AT_ONCE = 2
TRIES = 5
COUNTS = ("received", "stored", "unchanged", "rejected")
ROUND = timedelta(minutes=10)
# Sessions go on, and claims come, after the day a session began.
AFTERMATH = timedelta(days=3)


@dataclass(frozen=True)
class Plan:
    """Which days of which story. What was known at `since` was told before."""

    account: UUID
    seed: int
    days: int
    until: datetime
    since: datetime | None = None


@dataclass(frozen=True)
class Call:
    """What one member says to the API, and how many days are told with it."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    days: int = 0


@dataclass
class Told:
    """How many days and logs, and what became of the days' rows."""

    days: int = 0
    logs: int = 0
    received: int = 0
    stored: int = 0
    unchanged: int = 0
    rejected: int = 0


Advance = Callable[[float, float], None]


def lately() -> datetime:
    """Up to here the story is told: told again within minutes, it is the very same."""
    now = datetime.now(UTC)
    return now - (now - datetime.min.replace(tzinfo=UTC)) % ROUND


async def tell(
    addresses: Addresses, settings: Settings, plan: Plan, stop: asyncio.Event, advance: Advance
) -> dict[str, Any]:
    """Everything of the plan that is missing; `advance` hears of days done of all. `whole`: nobody said stop."""
    done = Told()
    async with api(addresses, settings) as app:
        story = await story_of(app.state.database, plan)
        days = days_of(plan, story.calendar)
        members = await join(app.state.database, plan.account)
        issue = app.state.door.authority.issue
        headers = {email: {"Authorization": f"Bearer {issue(id_, plan.account)}"} for email, id_ in members.items()}
        parts = calls(story, days, plan.until, headers)
        async with client_of(app) as client, asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(send_all(client, parts, done, stop, lambda: advance(done.days, len(days))))
    return {"start_day": days[-1], "end_day": days[0], "until": plan.until, **asdict(done), "whole": not stop.is_set()}


@asynccontextmanager
async def api(addresses: Addresses, settings: Settings) -> AsyncIterator[Any]:
    """The API as it always is, but for whom it trusts: a secret of this moment, which nobody else knows."""
    trusting = {"jwt_secret": SecretStr(secrets.token_hex(32)), "jwt_public_key": None, "jwks_url": None}
    quiet = {"jwt_algorithms": [], "rate_limit": 0, "log_level": "warning", "pool_size": AT_ONCE}
    app = create_app(settings.model_copy(update={**trusting, **quiet}), addresses.application)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        yield client


async def story_of(database: Database, plan: Plan) -> Story:
    async with database.transaction(plan.account, read_only=True) as tx:
        chosen = select(Account.timezone, Account.created_at).where(Account.id == plan.account)
        row = (await tx.connection.execute(chosen)).one_or_none()
    if row is None:
        raise NotFound("There is no account with this id; `tally account list` shows them.")
    calendar = Calendar(row.timezone)
    return Story(plan.seed, calendar.day(row.created_at), calendar)


def days_of(plan: Plan, calendar: Calendar) -> list[date]:
    """From the newest back."""
    days = [calendar.day(plan.until) - timedelta(days=n) for n in range(plan.days)]
    return days if plan.since is None else [day for day in days if day >= calendar.day(plan.since - AFTERMATH)]


def calls(story: Story, days: list[date], until: datetime, headers: Mapping[str, Mapping[str, str]]) -> Iterator[Call]:
    """The rows of whole days, as many as make a batch; after them, what the logs of some weeks tell, by member."""
    number, rows, logs = 0, Rows(), defaultdict[str, list[Any]](list)
    for day in days:
        number += 1
        played = story.day(day)
        for kind, more in told(played, until).items():
            rows.setdefault(kind, []).extend(more)
        for session in played:
            if log := log_of(session, until):
                logs[session.row["user_email"]].append(log)
        if count(rows) >= A_BATCH or day == days[-1]:
            yield Call(BATCHES, headers[LOADER.email], rows, number)
            number, rows = 0, Rows()
        if count(logs) >= LOGS_AT_ONCE or day == days[-1]:
            # Who may not call any more says nothing of theirs.
            yield from (Call(PUSHES, headers[who], {"files": files}) for who, files in logs.items() if who in headers)
            logs.clear()


def count(lists: Mapping[str, list[Any]]) -> int:
    return sum(map(len, lists.values()))


async def send_all(
    client: httpx.AsyncClient,
    parts: Iterator[Call],
    done: Told,
    stop: asyncio.Event,
    heard: Callable[[], None],
) -> None:
    """One of several that share the parts."""
    for call in parts:
        if stop.is_set():
            return
        receipt = await send(client, call)
        done.days += call.days
        done.logs += receipt.get("files", 0)
        for name in COUNTS:
            setattr(done, name, getattr(done, name) + receipt.get(name, 0))
        heard()


async def send(client: httpx.AsyncClient, call: Call) -> dict[str, Any]:
    """Again and again where the server is only busy: what was stored is not stored twice."""
    for pause in range(TRIES):
        headers = {"Content-Type": "application/json", **call.headers}
        answer = await client.post(call.path, content=orjson.dumps(call.body), headers=headers)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        await asyncio.sleep(pause)
    receipt: dict[str, Any] = orjson.loads(answer.content)
    if not answer.is_success:
        raise Unavailable(receipt["detail"])
    return receipt
