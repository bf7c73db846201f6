"""GET /health/live, /health/ready, /metrics: for probes and Prometheus; they need no credentials and show no tenant."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.db.engine import Database
from app.web.schema import Shape, problems

router = APIRouter(tags=["operation"])


class Health(Shape):
    status: Literal["ok"] = "ok"


@router.get("/health/live", responses=problems())
async def read_live() -> Health:
    """The process answers."""
    return Health()


@router.get("/health/ready", responses=problems())
async def read_ready(request: Request) -> Health:
    """The database answers too; 503 while it does not."""
    database: Database = request.app.state.database
    await database.ping()
    return Health()


@router.get("/metrics", response_class=Response, responses=problems())
async def read_metrics(request: Request) -> Response:
    """Counters and histograms in Prometheus' text format."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)
