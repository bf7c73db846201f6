"""How every report answers: of one version of the facts, not at all when it is known, and for nobody who left.

Answers are bytes made of plain values: checking each against its shape again costs more than reading it. Tests hold
real answers against the shapes that the description shows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app import __version__
from app.analytics.folding import require_allowed
from app.analytics.parameters import WindowQuery
from app.analytics.window import DEFAULT, Window
from app.auth.caller import CallerTx, Changed
from app.auth.guard import GuardedRoute
from app.web.etags import NOT_MODIFIED, TAGGED, IfNoneMatch, headers, is_known, not_modified, tag_of
from app.web.plain import as_json
from app.web.requests import until_left
from app.web.schema import Instant, problems

A_WHILE_S = 0.05
Report = Callable[[], Awaitable[dict[str, Any]]]
ANSWERS = {200: TAGGED, **NOT_MODIFIED, **problems()}

Dollars = Annotated[
    str | None,
    Field(description="US dollars; null when nothing that was used has a known price.", examples=["12.340000"]),
]


ErrorRate = Annotated[
    float, Field(description="A percentage with two decimals, of the same messages or calls that are counted.")
]


class Times(BaseModel):
    avg_response_time_ms: float | None = Field(description="Of messages whose time is known; null if there are none.")
    p50_response_time_ms: float | None = Field(
        description="Nearest-rank percentile, at most 1 % from exact; up to a millisecond counts as one."
    )
    p95_response_time_ms: float | None
    p99_response_time_ms: float | None


def routes() -> APIRouter:
    return APIRouter(prefix="/api/v1/analytics", tags=["analytics"], route_class=GuardedRoute)


class Span(BaseModel):
    """The window as used. Sent again, these three give the same window."""

    start_date: Instant = Field(description="The first instant of the window.")
    end_date: Instant = Field(description="Its last instant, which belongs to it.")
    timezone: str = Field(description="The zone whose days are reported.", examples=["Europe/Berlin"])


class Dated(Span):
    data_as_of: Instant | None = Field(description="When the account's facts last changed.")
    facts_from: Instant | None = Field(
        description="Facts before this are deleted; what no rollup holds of older days is missing. Null: all are kept."
    )


class Asking:
    """A question about a window, and what the caller already knows."""

    def __init__(self, request: Request, known: str | None) -> None:
        self.request = request
        self.known = known
        self._left: asyncio.Task[None] | None = None

    def window(self, tx: CallerTx, asked: WindowQuery, length: timedelta = DEFAULT) -> Window:
        """What every report asks first: may the caller ask this, and of which time."""
        require_allowed(tx.caller, getattr(asked, "user_id", ()))
        window = Window.of(asked, tx.caller.timezone, datetime.now(UTC), length)
        # For the audit: which days were read.
        self.request.scope["state"]["window"] = window.start, window.end, window.zone
        return window

    async def answer(self, tx: CallerTx, window: Window, report: Report) -> Response:
        """The report, or 304 at once. For reports of facts that came in through the writer."""
        version, changed_at = tx.caller.version, tx.caller.changed_at
        asked = self.request.scope
        question = asked["path"], asked["query_string"].decode("latin-1"), window.start, window.stop, tx.caller.timezone
        tag = tag_of(__version__, tx.account, version, changed_at, *question)
        if is_known(tag, self.known):
            return not_modified(tag)
        if not tx.is_open:
            raise Changed
        body = {**dated(tx, window), **await self.unless_left(report)}
        return respond(as_json(body), tag)

    async def answer_anew(self, tx: CallerTx, window: Window | None, report: Report) -> Response:
        """Tagged by content: names of members and rows of other programs change without a new version."""
        shown = dated(tx, window) if window else {"data_as_of": tx.caller.changed_at}
        body = {**shown, **await self.unless_left(report)}
        content = as_json(body)
        tag = tag_of(tx.account, content.decode())
        return not_modified(tag) if is_known(tag, self.known) else respond(content, tag)

    async def unless_left(self, report: Report) -> dict[str, Any]:
        """Cancels the report, and with it the statement that runs, when nobody waits for it any more."""
        patience = asyncio.timeout(None)
        # Looked for only where it takes a while: that costs more than most reports.
        watch = asyncio.get_running_loop().call_later(A_WHILE_S, self._watch, patience)
        try:
            async with patience:
                return await report()
        except TimeoutError:
            if patience.expired():
                raise ClientDisconnect from None
            raise
        finally:
            watch.cancel()
            if self._left:
                self._left.cancel()
                await asyncio.wait((self._left,))

    def _watch(self, patience: asyncio.Timeout) -> None:
        self._left = asyncio.create_task(until_left(self.request, partial(patience.reschedule, 0)))


def dated(tx: CallerTx, window: Window) -> dict[str, Any]:
    """What every report says of itself."""
    return {**window.shown, "data_as_of": tx.caller.changed_at, "facts_from": tx.caller.facts_from}


async def asking(request: Request, if_none_match: IfNoneMatch = None) -> Asking:
    """A coroutine, because the framework makes anything else in a thread."""
    return Asking(request, if_none_match)


Asked = Annotated[Asking, Depends(asking)]


def respond(content: bytes, tag: str) -> Response:
    return Response(content, media_type="application/json", headers=headers(tag))
