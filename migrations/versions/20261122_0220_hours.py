"""Hours in UTC: of each account its messages, and which sessions had some. Days of any zone are made of them."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NUMBERS = (
    "messages",
    "errors",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "timed",
    "response_ms",
    "cost_micros",
    "unpriced",
)
# Of days whose messages are gone nobody knows the hours: they are taken to have been at noon, so that the day is right.
NOON = "(d.day + time '12:00') AT TIME ZONE a.timezone"
GONE = """accounts a JOIN account_versions v ON v.account_id = account
            JOIN {table} d ON d.account_id = account AND (d.day + 1)::timestamp AT TIME ZONE a.timezone <= v.facts_from
            WHERE a.id = account AND d.messages <> 0"""
# One account at a time, as row-level security sees it.
FILL = f"""
    DO $$
    DECLARE account uuid;
    BEGIN
        FOR account IN SELECT account_id FROM account_directory LOOP
            PERFORM set_config('app.account_id', account::text, true);
            INSERT INTO account_hours (account_id, hour, {", ".join(NUMBERS)})
            SELECT account, date_trunc('hour', created_at, 'UTC'), count(*), count(*) FILTER (WHERE is_error),
                sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_creation_tokens),
                count(response_time_ms), coalesce(sum(response_time_ms), 0), coalesce(sum(cost_micros), 0),
                count(*) FILTER (WHERE cost_micros IS NULL)
            FROM messages WHERE account_id = account GROUP BY 2 ON CONFLICT DO NOTHING;
            INSERT INTO session_hours (account_id, hour, session_id, messages)
            SELECT account, date_trunc('hour', created_at, 'UTC'), session_id, count(*)
            FROM messages WHERE account_id = account GROUP BY 2, 3 ON CONFLICT DO NOTHING;
            INSERT INTO account_hours (account_id, hour, {", ".join(NUMBERS)})
            SELECT account, date_trunc('hour', {NOON}, 'UTC'), {", ".join(f"d.{name}" for name in NUMBERS)}
            FROM {GONE.format(table="subject_days")} AND d.subject = 'account' ON CONFLICT DO NOTHING;
            INSERT INTO session_hours (account_id, hour, session_id, messages)
            SELECT account, date_trunc('hour', {NOON}, 'UTC'), d.session_id, d.messages
            FROM {GONE.format(table="session_days")} ON CONFLICT DO NOTHING;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE account_hours (
            account_id uuid NOT NULL DEFAULT {POLICY},
            hour timestamptz NOT NULL,
            {" ".join(f"{name} bigint NOT NULL DEFAULT 0," for name in NUMBERS)}
            CONSTRAINT pk_account_hours PRIMARY KEY (account_id, hour)
        )
    """)
    protect("account_hours")
    op.execute(f"""
        CREATE TABLE session_hours (
            account_id uuid NOT NULL DEFAULT {POLICY},
            hour timestamptz NOT NULL,
            session_id uuid NOT NULL,
            messages bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_session_hours PRIMARY KEY (account_id, hour, session_id)
        )
    """)
    protect("session_hours")
    # What comes in until the end would be missing: who writes waits, and tries again.
    op.execute("LOCK TABLE messages IN SHARE MODE")
    op.execute(FILL)


def downgrade() -> None:
    op.execute("DROP TABLE session_hours")
    op.execute("DROP TABLE account_hours")
