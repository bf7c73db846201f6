"""A member's sessions by day are counted from an index alone."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Writers wait while it is made, about a second a million sessions; what they bring is tried again.
    op.execute("""
        -- squawk-ignore require-concurrent-index-creation
        CREATE INDEX ix_ai_sessions_activity
        ON ai_sessions (account_id, user_id, last_activity_at, first_activity_at, id)
    """)
    op.execute("""
        -- squawk-ignore require-concurrent-index-deletion
        DROP INDEX ix_ai_sessions_account_id_user_id_last_activity_at
    """)


def downgrade() -> None:
    op.execute("""
        CREATE INDEX ix_ai_sessions_account_id_user_id_last_activity_at
        ON ai_sessions (account_id, user_id, last_activity_at)
    """)
    op.execute("DROP INDEX ix_ai_sessions_activity")
