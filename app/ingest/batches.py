"""POST /api/v1/ingest/batches: facts in, exactly once, and in every report the moment they are acknowledged."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import Field
from pydantic.json_schema import models_json_schema

from app.auth.caller import Caller, ViewerCall
from app.auth.guard import GuardedRoute
from app.db.attempts import attempt
from app.db.engine import Tx
from app.facts.admission import Admitted, RowError, admit, parse
from app.facts.entry import bring_in
from app.facts.members import Sender
from app.facts.rows import Batch
from app.facts.write import Changed, Facts
from app.ingest.intake import Room, body
from app.ingest.replay import Answer, Repeat
from app.web.problems import UnsupportedMedia
from app.web.schema import Shape, problems

router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"], route_class=GuardedRoute)
SCHEMAS: dict[str, Any] = models_json_schema([(Batch, "validation")], ref_template="#/components/schemas/{model}")[1][
    "$defs"
]
BODY = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Batch"}}}}
ROOM = Room()


class Receipt(Shape):
    """received = stored + unchanged + rejected, always."""

    received: int
    stored: int = Field(description="Rows that were new or told something new.")
    unchanged: int = Field(description="Rows that were known already.")
    rejected: int
    errors: list[RowError]


@router.post(
    "/batches",
    response_model=Receipt,
    responses={**problems(409), 207: {"model": Receipt, "description": "Some rows were rejected; the rest is stored."}},
    openapi_extra={"requestBody": BODY},
)
async def ingest_batch(
    request: Request,
    caller: ViewerCall,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Response:
    """Bring in up to 10,000 rows (16 MiB, gzip accepted). Sending the same rows again changes nothing.

    A batch is stored wholly, but for the rows that are rejected, each with its reason; every report knows it once it
    is answered. Members bring in their own sessions, admins anybody's.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMedia("Send JSON, as Content-Type: application/json.")
    limit = request.app.state.max_body_bytes
    async with body(request, ROOM, limit) as raw:
        repeat = Repeat.of(idempotency_key, raw)
        sent = parse(raw)
        del raw
        # What was sent goes before the database is asked: the rows made of it are as large again.
        rows = await admit(sent)
        del sent
        answer = await attempt(request.app.state.database, caller.account_id, lambda tx: take(tx, caller, rows, repeat))
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return Response(answer.body, answer.status, headers, media_type="application/json")


async def take(tx: Tx, caller: Caller, admitted: Admitted, repeat: Repeat) -> Answer:
    """One transaction: the rows and the answer to the key, or nothing. May run again from the start."""
    known = await repeat.known(tx)
    if known is not None:
        return known
    now = datetime.now(UTC)
    rows = admitted.copy()
    sender = Sender(caller.account_id, caller.id, caller.may("admin"))
    receipt = account_for(rows, *await bring_in(tx, sender, rows, now))
    answer = Answer(207 if receipt.rejected else 200, orjson.dumps(receipt.model_dump()))
    await repeat.keep(tx, answer)
    return answer


def account_for(rows: Admitted, facts: Facts, changed: Changed) -> Receipt:
    """Of rows that came twice in one batch, one is stored and the others are known already."""
    sent = {session.id for session in facts.sessions if not session.is_stub}
    stored = len(changed.sessions & sent) + sum(
        map(len, (changed.messages, changed.tool_calls, changed.steps, changed.handoffs))
    )
    rejected = len(rows.errors)
    return Receipt(
        received=rows.received,
        stored=stored,
        unchanged=rows.received - rejected - stored,
        rejected=rejected,
        errors=sorted(rows.errors, key=lambda error: (error.kind, error.index)),
    )
