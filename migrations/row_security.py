"""What every account table gets beside its columns: row-level security with the one policy text, and grants."""

from alembic import op

POLICY = "nullif(current_setting('app.account_id', true), '')::uuid"


def protect(table: str, *, column: str = "account_id", grants: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Nobody, the owner included, sees or writes rows of another account than the transaction's."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY {table}_of_account ON {table} USING ({column} = {POLICY}) WITH CHECK ({column} = {POLICY})"
    )
    op.execute(f"GRANT {grants} ON {table} TO tally_app")
