"""What a report over HTTP is compared with: Starlette and the driver, the same statements, orjson bytes."""

import os
import pickle
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Runs = Sequence[tuple[str, Sequence[object]]]


def same_statements() -> Starlette:
    """The account, the caller with the version of the facts, and the report's own, in one transaction."""
    account, runs = pickle.loads(Path(os.environ["BENCH_RUNS"]).read_bytes())
    return answering(account, {"": runs})


def each_its_own() -> Starlette:
    """The same for many reports: the path says whose statements; where it names none of them, those of none."""
    return answering(*pickle.loads(Path(os.environ["BENCH_RUNS"]).read_bytes()))


def answering(account: UUID, runs: Mapping[str, Runs]) -> Starlette:
    begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL app.account_id = '{account}'"

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["BENCH_URL"], min_size=10, max_size=10) as pool:
            app.state.pool = pool
            yield

    async def answer(request: Request) -> Response:
        own = runs.get(request.path_params["name"], runs.get("", ()))
        async with request.app.state.pool.acquire() as connection:
            await connection.execute(begin)
            found = [[tuple(row) for row in await connection.fetch(sql, *values)] for sql, values in own]
            await connection.execute("COMMIT")
        return Response(orjson.dumps(found, default=str), media_type="application/json")

    return Starlette(routes=[Route("/{name:path}", answer)], lifespan=lifespan)
