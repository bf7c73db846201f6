"""Who changed what. Written in the transaction of the change, so that none is ever missing."""

from uuid import UUID

from sqlalchemy import insert
from starlette.requests import Request

from app.auth.caller import Caller, CallerTx
from app.db.engine import Database
from app.db.ids import new_id
from app.models.audit_log import AuditLog


async def record_call(request: Request, caller: Caller, action: str, **parameters: object) -> None:
    """Before work that takes many transactions: that it was asked for is on record however far it comes."""
    database: Database = request.app.state.database
    async with database.transaction(caller.account_id) as tx:
        own = CallerTx(tx.account, tx.connection, tx.driver, caller, request.state.request_id)
        await record(own, action, None, **parameters)


async def record(tx: CallerTx, action: str, resource: UUID | None = None, **parameters: object) -> None:
    """`action` is `<noun>.<verb>`; parameters are names and numbers, never content."""
    row = {
        "account_id": tx.account,
        "id": new_id(),
        "user_id": tx.caller.id,
        "action": action,
        "resource": str(resource) if resource else None,
        "parameters": parameters,
        "result": "done",
        "request_id": tx.request_id,
        "client_kind": "web" if tx.caller.key_id is None else "api",
    }
    await tx.connection.execute(insert(AuditLog).values(row))
