"""One JSON object a line; readable columns where a person watches."""

import logging
import sys
from typing import Any

import orjson
import structlog

from app.settings import Settings


def configure(settings: Settings) -> None:
    """Our own lines and those of the libraries go one way: to stderr."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    readable = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    final: list[Any] = (
        [structlog.dev.ConsoleRenderer(pad_event_to=10)]
        if readable
        else [structlog.processors.JSONRenderer(serializer=orjson.dumps)]
    )
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
        if readable
        else structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), format="%(levelname)s %(name)s %(message)s", force=True)
