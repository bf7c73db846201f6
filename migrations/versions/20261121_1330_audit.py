"""The audit: how long it is kept, and the lists it is read by."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = ("ix_audit_log_action_at", "ix_audit_log_queries", "ix_audit_log_syncs")


# Until now only changes were written there, by hand: the table is small, and each of these is made in a moment.
SMALL = "-- squawk-ignore require-concurrent-index-creation"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE accounts ADD audit_days integer NOT NULL DEFAULT 400
        CONSTRAINT ck_accounts_audit_days CHECK (audit_days BETWEEN 0 AND 36500)
    """)
    op.execute(f"""
        {SMALL}
        CREATE INDEX ix_audit_log_action_at ON audit_log (account_id, action, at DESC, id DESC)
    """)
    op.execute(f"""
        {SMALL}
        CREATE INDEX ix_audit_log_queries ON audit_log (account_id, user_id, at DESC, id DESC)
        WHERE starts_with(action, 'query.')
    """)
    op.execute(f"""
        {SMALL}
        CREATE INDEX ix_audit_log_syncs ON audit_log (account_id, user_id, at DESC, id DESC)
        WHERE action IN ('sync.trigger', 'manifest.fetch')
    """)


def downgrade() -> None:
    for index in INDEXES:
        op.execute(f"DROP INDEX {index}")
    op.execute("ALTER TABLE accounts DROP audit_days")
