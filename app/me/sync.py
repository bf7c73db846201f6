"""GET /api/v1/me/stats/sync: when the caller's machines sent and asked."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Uuid, bindparam, select
from starlette.responses import Response

from app.auth.caller import ViewerTx
from app.auth.guard import GuardedRoute
from app.db.statement import Prepared
from app.me.notes import Key, NotePage, newest, page
from app.models.audit_log import SYNCS
from app.models.user import User
from app.web.paging import Cursors, PageQuery
from app.web.plain import answer
from app.web.schema import Instant

router = APIRouter(prefix="/api/v1/me/stats", tags=["me"], route_class=GuardedRoute)
cursors: Cursors[Key] = Cursors("me/stats/sync", Key)
NEWEST = newest(SYNCS)
LAST_PULL = Prepared(
    select(User.last_pull_at).where(User.account_id == bindparam("account"), User.id == bindparam("user", type_=Uuid()))
)


class SyncPage(NotePage):
    """`sync.trigger`: a push was completed; `manifest.fetch`: a machine asked what is known already."""

    last_pull_at: Instant | None = Field(description="When the caller last asked for the manifest; null if never.")


@router.get("/sync", response_model=SyncPage)
async def read_my_syncs(tx: ViewerTx, asked: Annotated[PageQuery, Query()]) -> Response:
    """When the caller's session logs were sent, and when a machine of theirs asked which are known."""
    last = await LAST_PULL.one(tx, user=tx.caller.id)
    return answer({**await page(tx, NEWEST, cursors, asked), "last_pull_at": last and last["last_pull_at"]})
