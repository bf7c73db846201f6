"""A member's own lists: their logs that wait, their largest sessions."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        -- squawk-ignore require-concurrent-index-creation
        CREATE INDEX ix_transcripts_waiting ON transcripts (account_id, user_id, uploaded_at, id)
        WHERE processed_at IS NULL
    """)
    # Writers wait while it is made, about a second a million sessions; what they bring is tried again.
    op.execute("""
        -- squawk-ignore require-concurrent-index-creation
        CREATE INDEX ix_ai_sessions_largest ON ai_sessions (account_id, user_id,
            (input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens), id)
    """)


def downgrade() -> None:
    op.execute("DROP INDEX ix_ai_sessions_largest")
    op.execute("DROP INDEX ix_transcripts_waiting")
