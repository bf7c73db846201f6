"""What a report over HTTP is compared with: Starlette and the driver, the same statements, orjson bytes."""

import os
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def same_statements() -> Starlette:
    """The account, the caller with the version of the facts, and the report's own, in one transaction."""
    account, runs = pickle.loads(Path(os.environ["BENCH_RUNS"]).read_bytes())
    begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL app.account_id = '{account}'"

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["BENCH_URL"], min_size=10, max_size=10) as pool:
            app.state.pool = pool
            yield

    async def answer(request: Request) -> Response:
        async with request.app.state.pool.acquire() as connection:
            await connection.execute(begin)
            found = [[tuple(row) for row in await connection.fetch(sql, *values)] for sql, values in runs]
            await connection.execute("COMMIT")
        return Response(orjson.dumps(found, default=str), media_type="application/json")

    return Starlette(routes=[Route("/{rest:path}", answer)], lifespan=lifespan)
