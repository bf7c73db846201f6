"""Who changed what. Written in the transaction of the change, so that none is ever missing."""

from uuid import UUID

from sqlalchemy import insert

from app.auth.caller import CallerTx
from app.db.ids import new_id
from app.models.audit_log import AuditLog


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
