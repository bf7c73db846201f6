"""What the audit log says of an account, read as the account itself would."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from app.db.engine import Database
from app.models.audit_log import AuditLog

COLUMNS = (
    *(AuditLog.action, AuditLog.user_id, AuditLog.resource, AuditLog.parameters),
    *(AuditLog.request_id, AuditLog.client_kind),
)


async def audited(database: Database, account: UUID) -> list[Any]:
    """Oldest first; `xmin` is the transaction that wrote the row."""
    rows = select(*COLUMNS, text("xmin::text AS xmin")).where(AuditLog.account_id == account)
    async with database.transaction(account, read_only=True) as tx:
        return list((await tx.connection.execute(rows.order_by(AuditLog.at, AuditLog.id))).all())


async def written_by(database: Database, account: UUID, table: str, key: UUID) -> str:
    """The transaction that last wrote a row."""
    row = text(f"SELECT xmin::text FROM {table} WHERE id = :id")
    async with database.transaction(account, read_only=True) as tx:
        return str(await tx.connection.scalar(row, {"id": key}))
