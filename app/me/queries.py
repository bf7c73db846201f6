"""GET /api/v1/me/stats/queries: which reports the caller read."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.auth.caller import ViewerTx
from app.auth.guard import GuardedRoute
from app.me.notes import Key, NotePage, newest, page
from app.models.audit_log import QUERIES
from app.web.paging import Cursors, PageQuery
from app.web.plain import answer

router = APIRouter(prefix="/api/v1/me/stats", tags=["me"], route_class=GuardedRoute)
cursors: Cursors[Key] = Cursors("me/stats/queries", Key)
NEWEST = newest(QUERIES)


@router.get("/queries", response_model=NotePage)
async def read_my_queries(tx: ViewerTx, asked: Annotated[PageQuery, Query()]) -> Response:
    """The reports and exports the caller asked for: when, with which window and filters, how long it took."""
    return answer(await page(tx, NEWEST, cursors, asked))
