"""The application with nothing noted behind its answers: what the audit costs is the difference."""

from fastapi import FastAPI

from app.audit import Trail
from app.main import create_app
from app.web.requests import Exchange


def nothing(self: Trail, exchange: Exchange) -> None:
    """Note nothing."""


def silent() -> FastAPI:
    Trail.finished = nothing  # type: ignore[method-assign]
    return create_app()
