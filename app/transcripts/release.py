"""POST /api/v1/admin/processors/{processor}/release: logs that were set aside are tried again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app import audit
from app.auth.caller import AdminChange
from app.auth.guard import GuardedRoute
from app.facts.erasure import counted
from app.transcripts.processors.installed import processors
from app.transcripts.state import RELEASE
from app.web.problems import NotFound
from app.web.schema import Line, Shape, problems

router = APIRouter(prefix="/api/v1/admin/processors", tags=["administration"], route_class=GuardedRoute)


class ReleaseQuery(BaseModel, extra="forbid"):
    transcript_id: Annotated[UUID | None, Field(description="This log alone; default: all that were set aside.")] = None


class Released(Shape):
    released: int


@router.post("/{processor}/release", responses=problems(404))
async def release_quarantined(tx: AdminChange, processor: Line, query: Annotated[ReleaseQuery, Query()]) -> Released:
    """Try logs again that a processor was given five times and failed on. They wait for its next pass."""
    known = processors()
    if processor not in known:
        raise NotFound(f"There is no such processor; there are: {', '.join(known)}.")
    released = counted(await tx.driver.execute(RELEASE, tx.account, processor, query.transcript_id))
    await audit.record(tx, f"processor.release:{processor}", query.transcript_id, released=released)
    return Released(released=released)
