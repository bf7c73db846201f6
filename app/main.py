"""The application: wiring, and the table of contents of version 1. Only the command line imports this module."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry
from sqlalchemy import URL
from starlette.middleware.cors import CORSMiddleware

from app import __version__
from app.admin import account, keys, users
from app.auth import exchange
from app.auth.caller import Door
from app.auth.limits import Limits
from app.auth.tokens import TokenAuthority
from app.auth.trust import trusted_keys
from app.db.addresses import BadAddress, configured
from app.db.engine import Database, Unreachable, inspect_server
from app.me import profile
from app.settings import Settings
from app.web import answers, health, logs
from app.web.parameters import KnownParameters
from app.web.requests import Requests

log = structlog.get_logger("tally")

ROUTERS = (
    exchange.router,
    profile.router,
    keys.router,
    users.router,
    account.router,
    health.router,
)


def create_app(settings: Settings | None = None, database_url: URL | None = None) -> FastAPI:
    """The API. Without arguments everything comes from the environment, as `uvicorn --factory` wants it."""
    settings = settings or Settings()
    logs.configure(settings)
    authority = TokenAuthority(trusted_keys(settings))
    database = Database(database_url or address(settings), settings)
    app = FastAPI(
        title="Tally",
        version=__version__,
        description="What your AI agents did: usage, cost, latency, errors, escalations.",
        lifespan=lifespan,
        max_body_size=settings.max_body_bytes,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False},
    )
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    answers.install(app)
    app.state.database = database
    app.state.metrics = CollectorRegistry()
    app.state.door = Door(
        database=database,
        authority=authority,
        limits=Limits(settings.rate_limit, settings.rate_burst),
        parameters=KnownParameters(app.openapi()),
        token_seconds=settings.token_seconds,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-ID"],
            expose_headers=["ETag", "X-Request-ID", "Retry-After", "Idempotent-Replayed", "RateLimit-Remaining"],
        )
    app.add_middleware(Requests, registry=app.state.metrics)
    return app


def address(settings: Settings) -> URL:
    found = configured(settings)
    if found is None:
        raise BadAddress("DATABASE_URL is not set: set it, or run `tally up`, which brings its own PostgreSQL.")
    return found.application


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Refuse a server that cannot serve us; wait for one that is only away."""
    database: Database = app.state.database
    try:
        version = await inspect_server(database)
        log.info("ready", postgresql=version, tally=__version__)
    except Unreachable as why:
        log.warning("database away", why=str(why))
    yield
    await app.state.door.authority.aclose()
    await database.close()


def describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI, with every answer that is not 2xx as problem+json."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for operations in schema["paths"].values():
            for operation in operations.values():
                for status, answer in operation["responses"].items():
                    if not status.startswith("2") and status != "304":
                        answer["content"] = {answers.MEDIA_TYPE: {"schema": answers.DOCUMENT}}
        app.openapi_schema = schema
    return app.openapi_schema
