"""What GET /api/v1/me is compared with: the same framework and driver with nothing of ours between."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Request

from app.auth.caller import USER

ACCOUNT = UUID(os.environ.get("BENCH_ACCOUNT", "00000000-0000-0000-0000-000000000000"))
USER_ID = UUID(os.environ.get("BENCH_USER", "00000000-0000-0000-0000-000000000000"))


def hello() -> FastAPI:
    """The least that FastAPI does."""
    app = FastAPI()

    @app.get("/api/v1/me")
    async def read_hello() -> dict[str, str]:
        return {"hello": "world"}

    return app


def two_statements() -> FastAPI:
    """The account and the caller, in a transaction of the driver: what anyone would write first."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["BENCH_URL"], min_size=10, max_size=10) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)
    values = {"account": ACCOUNT, "user": USER_ID}
    arguments = [values[name] for name in USER._names]  # noqa: SLF001 - the very statement, bound by hand

    @app.get("/api/v1/me")
    async def read_bare(request: Request) -> dict[str, Any]:
        async with request.app.state.pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(f"SET LOCAL app.account_id = '{ACCOUNT}'")
            return dict(await connection.fetchrow(USER.sql, *arguments))

    return app
