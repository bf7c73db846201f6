"""Sessions by the day they were updated last, on the account's line of each day."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# One account at a time, as row-level security sees it. What was cleared by retention is gone: of older days those
# sessions alone are counted that are still there.
FILL = """
    DO $$
    DECLARE account uuid;
    BEGIN
        FOR account IN SELECT account_id FROM account_directory LOOP
            PERFORM set_config('app.account_id', account::text, true);
            INSERT INTO subject_days (account_id, day, subject, name, sessions_updated)
            SELECT account, (s.updated_at AT TIME ZONE a.timezone)::date, 'account', '', count(*)
            FROM accounts a JOIN ai_sessions s ON s.account_id = account
            WHERE a.id = account GROUP BY 2 ORDER BY 2
            ON CONFLICT (account_id, subject, day, name) DO UPDATE SET sessions_updated = excluded.sessions_updated;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    # Until the end no rollup can be written: what the previous release brings in meanwhile waits and is tried again.
    op.execute("ALTER TABLE subject_days ADD COLUMN sessions_updated bigint NOT NULL DEFAULT 0")
    op.execute(FILL)


def downgrade() -> None:
    op.execute("ALTER TABLE subject_days DROP COLUMN sessions_updated")
