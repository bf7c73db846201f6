"""GET /api/v1/admin/processors, POST /api/v1/admin/run-session-processor: what waits, what ran; a pass by hand."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Select, func, select

from app import audit
from app.auth.caller import AdminCall, AdminTx, Caller
from app.auth.guard import GuardedRoute
from app.db.engine import Database
from app.db.leases import Outcome
from app.models.job_lease import JobLease
from app.models.job_run import JobRun
from app.transcripts.passes import PREFIX, Details, claim, job_of, under
from app.transcripts.pipeline import Budget, backlog, processors, quarantined, run_processor
from app.transcripts.processors.contract import Processor
from app.web.problems import BadRequest, Conflict
from app.web.schema import Instant, Line, Shape, problems

router = APIRouter(prefix="/api/v1/admin", tags=["administration"], route_class=GuardedRoute)
# What a caller may wait for, and what serving may spare.
BUDGET = Budget(files=500, seconds=10.0)


class Run(Shape):
    began_at: Instant
    duration_ms: int | None = Field(description="Null where nobody knows: its process went away.")
    outcome: Outcome = Field(
        description="`partly`: some logs could not be read; `differs`: a check found a difference; `stopped`: handed "
        "back when its process ended; `lost`: its process went away."
    )
    items: int
    fault: str | None


class JobState(BaseModel):
    """A job of this account, as the worker sees it."""

    name: str
    running: bool
    due_at: Instant | None = Field(description="When a worker looks whether there is something to do; null at first.")
    last_run: Run | None
    recent_runs: list[Run] = Field(description="The last 20 that did something or went wrong, newest first.")


class Quarantined(Shape):
    transcript_id: UUID
    user_id: UUID
    name: str
    attempts: int
    last_error: str | None
    quarantined_at: Instant


class ProcessorState(JobState):
    version: int
    cadence_s: float
    backlog: int = Field(description="Logs that wait to be read, or read on.")
    failing: int = Field(description="Of those, the ones that have failed and will be tried again.")
    lag_s: float | None = Field(description="How long the oldest of them has waited; null while none does.")
    quarantined: int
    quarantined_files: list[Quarantined] = Field(description="The first 100: set aside after five attempts.")


class Jobs(BaseModel):
    processors: list[ProcessorState]
    jobs: list[JobState] = Field(description="The worker's other jobs that have run for this account.")


class PassQuery(BaseModel, extra="forbid"):
    processor: Annotated[Line, Field(description="The processor's name, such as usage.")]


class PassDetails(BaseModel):
    """scanned = processed + skipped + errors."""

    processor: str
    scanned: int
    processed: int
    skipped: int = Field(description="Left for the next pass.")
    errors: int
    items_extracted: int
    errors_detail: list[dict[str, str]]


class PassReport(BaseModel):
    ok: Literal[True] = Field(True, description="The pass came to its end; what went wrong with single logs is below.")
    details: PassDetails


def leases_of(account: UUID) -> Select[Any]:
    running = func.coalesce(JobLease.expires_at > func.now(), False).label("running")
    return select(*JobLease.__table__.c, running).where(JobLease.account_id == account).order_by(JobLease.job)


def runs_of(account: UUID) -> Select[Any]:
    return select(JobRun).where(JobRun.account_id == account).order_by(JobRun.job, JobRun.id.desc())


async def job_states(tx: AdminTx) -> dict[str, dict[str, Any]]:
    """What is known of each job, by its name: the fields of JobState."""
    recent: dict[str, list[Run]] = defaultdict(list)
    for run in (await tx.connection.execute(runs_of(tx.account))).all():
        recent[run.job].append(Run.model_validate(run))
    return {
        row.job: {
            "running": row.running,
            "due_at": row.due_at,
            "last_run": Run.model_validate(row) if row.outcome else None,
            "recent_runs": recent[row.job],
        }
        for row in (await tx.connection.execute(leases_of(tx.account))).all()
    }


NEVER_RUN: dict[str, Any] = {"running": False, "due_at": None, "last_run": None, "recent_runs": []}


async def state_of(tx: AdminTx, processor: Processor, job: dict[str, Any]) -> ProcessorState:
    waits = await backlog(tx, processor)
    since = waits["waiting_since"]
    return ProcessorState(
        name=processor.name,
        version=processor.version,
        cadence_s=processor.cadence_s,
        backlog=waits["waiting"],
        failing=waits["failing"],
        lag_s=None if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds()),
        quarantined=waits["quarantined"],
        quarantined_files=[Quarantined.model_validate(dict(row)) for row in await quarantined(tx, processor)],
        **job,
    )


@router.get("/processors")
async def read_processors(tx: AdminTx) -> Jobs:
    """What waits for each processor, what was set aside, how the last runs went; and the worker's other jobs."""
    jobs = await job_states(tx)
    known = processors().values()
    return Jobs(
        processors=[await state_of(tx, one, jobs.get(job_of(one.name), NEVER_RUN)) for one in known],
        jobs=[JobState(name=name, **job) for name, job in jobs.items() if not name.startswith(PREFIX)],
    )


@router.post("/run-session-processor", responses=problems(400, 409))
async def run_session_processor(
    request: Request, caller: AdminCall, query: Annotated[PassQuery, Query()]
) -> PassReport:
    """Make a pass now, for at most 10 s; what is left is the worker's. 409 while one is on, in whatever process."""
    processor = processors().get(query.processor)
    if processor is None:
        raise BadRequest(f"There is no such processor; there are: {', '.join(processors())}.")
    lease = await claim(request.app.state.database, caller.account_id, processor.name)
    if lease is None:
        raise Conflict("This processor is running already: wait until it is done, then ask again.")
    details = await under(lease, processor, recorded_pass(request, caller, processor.name), BUDGET)
    return PassReport(details=PassDetails.model_validate(details))


async def recorded_pass(request: Request, caller: Caller, processor: str) -> Details:
    """That it was asked for is on record however far it comes."""
    await audit.record_call(request, caller, f"run_session_processor:{processor}")
    database: Database = request.app.state.database
    return await run_processor(database, request.app.state.storage, caller.account_id, processor, BUDGET)
