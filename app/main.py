"""The application: wiring, and the table of contents of version 1. Only the command line imports this module."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import URL

from app import __version__, audit
from app.admin import account, closing, erasure, keys, retention, rollups, users
from app.admin import audit as audit_rows
from app.analytics import agents, escalations, export, friction, models, session, sessions, summary, tools, usage
from app.analytics import users as user_usage
from app.analytics.examples import EXAMPLES
from app.auth import exchange
from app.auth.caller import Door, read_caller
from app.auth.guard import is_whole
from app.auth.limits import Limits
from app.auth.looks import Looks
from app.auth.tokens import TokenAuthority
from app.auth.trust import trusted_keys
from app.db.addresses import BadAddress, configured
from app.db.engine import Database, Unreachable, inspect_server
from app.ingest import batches
from app.me import export as own_export
from app.me import profile, queries, tokens
from app.me import sessions as own_sessions
from app.me import sync as own_syncs
from app.settings import Settings
from app.transcripts import administration, manifest, release, shelf, sync, uploads
from app.transcripts.storage import storage_of
from app.web import answers, docs, health, logs
from app.web.addresses import Addresses
from app.web.bodies import BodyLimit
from app.web.dashboard import Dashboard
from app.web.openapi import describe
from app.web.origins import Origins
from app.web.requests import Requests

log = structlog.get_logger("tally")

# Rows go by themselves: what a batch makes is searched for circles seldom (50,000 new objects; else 700).
SELDOM = (50_000, 20, 50)
ROUTERS = (
    exchange.router,
    profile.router,
    own_sessions.router,
    tokens.router,
    queries.router,
    own_syncs.router,
    own_export.router,
    keys.router,
    users.router,
    erasure.router,
    account.router,
    closing.router,
    retention.router,
    rollups.router,
    audit_rows.router,
    batches.router,
    manifest.router,
    sync.router,
    uploads.router,
    shelf.router,
    release.router,
    administration.router,
    usage.router,
    agents.router,
    models.router,
    summary.router,
    tools.router,
    user_usage.router,
    sessions.router,
    session.router,
    escalations.router,
    friction.router,
    export.router,
    health.router,
    docs.router,
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
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},
    )
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.router.middleware_stack = Addresses(app.router.middleware_stack, app.router.routes)
    app.state.dashboard = Dashboard(settings.dashboard_dir, app.router.default)
    app.router.default = app.state.dashboard
    app.openapi = lambda: describe(app, batches.SCHEMAS, EXAMPLES)  # type: ignore[method-assign]
    answers.install(app)
    app.state.database = database
    app.state.max_body_bytes = settings.max_body_bytes
    app.state.max_upload_bytes = settings.max_upload_bytes
    app.state.data_dir = settings.data_dir
    app.state.storage = storage_of(settings.transcripts_url, settings.data_dir)
    app.state.metrics = CollectorRegistry()
    app.state.door = Door(
        database=database,
        looks=Looks(database, read_caller),
        authority=authority,
        limits=Limits(settings.rate_limit, settings.rate_burst),
        token_seconds=settings.token_seconds,
    )
    app.add_middleware(BodyLimit, largest=settings.max_body_bytes)
    app.add_middleware(Addresses, routes=[route for route in app.router.routes if is_whole(route)])
    app.state.trail = audit.Trail(database, app.state.metrics)
    app.add_middleware(
        Requests,
        registry=app.state.metrics,
        origins=Origins(settings.cors_origins),
        finished=app.state.trail.finished,
    )
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
    app.state.trail.start()
    # What is there now stays; searched again and again for what can be let go, it is a quarter of what a batch costs.
    gc.freeze()
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()
    await app.state.trail.close()
    await app.state.door.looks.close()
    await app.state.door.authority.aclose()
    await database.close()
