"""What a line of a report needs stands in one row a day: subject_days, filled from the rollups it replaces."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0010"
down_revision = "0009"
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
SUMS = ", ".join(f"sum({name})::bigint" for name in NUMBERS)
COLUMNS = ", ".join(("account_id", "day", "subject", "name", *NUMBERS))
# One account at a time, as row-level security sees it.
FILL = f"""
    DO $$
    DECLARE account uuid;
    BEGIN
        FOR account IN SELECT account_id FROM account_directory LOOP
            PERFORM set_config('app.account_id', account::text, true);
            INSERT INTO subject_days ({COLUMNS})
            SELECT account, day, 'account', '', {SUMS} FROM usage_days WHERE account_id = account GROUP BY 2
            UNION ALL
            SELECT account, day, 'agent', agent_name, {SUMS} FROM usage_days
            WHERE account_id = account AND role = 'assistant' GROUP BY 2, 4
            UNION ALL
            SELECT account, day, 'model', model_id, {SUMS} FROM usage_days
            WHERE account_id = account AND model_id <> '' GROUP BY 2, 4
            UNION ALL
            SELECT account, day, 'member', coalesce(nullif(user_id::text, '00000000-0000-0000-0000-000000000000'), ''),
                {SUMS} FROM member_days WHERE account_id = account GROUP BY 2, 4
            UNION ALL
            SELECT account, day, 'tool', name, calls, errors, 0, 0, 0, 0, timed, duration_ms, 0, 0
            FROM tool_days WHERE account_id = account
            ON CONFLICT DO NOTHING;
            INSERT INTO subject_days AS s (account_id, day, subject, name, sessions_created, sessions_active)
            SELECT account, day, 'account', '', sessions_created, sessions_active
            FROM account_days WHERE account_id = account
            UNION ALL
            SELECT account, (s.created_at AT TIME ZONE a.timezone)::date, 'member', coalesce(s.user_id::text, ''),
                count(*), 0
            FROM accounts a JOIN ai_sessions s ON s.account_id = account
            WHERE a.id = account GROUP BY 2, 4
            ON CONFLICT (account_id, day, subject, name) DO UPDATE
            SET sessions_created = excluded.sessions_created, sessions_active = excluded.sessions_active;
            INSERT INTO subject_days AS s (account_id, day, subject, name, histogram)
            SELECT account, day, subject, name, (
                SELECT coalesce(sum(histogram[i + 1] * ('1' || repeat('00000000', histogram[i]))::numeric), 0)
                FROM generate_series(1, cardinality(histogram), 2) AS i
            ) FROM latency_days WHERE account_id = account
            ON CONFLICT (account_id, day, subject, name) DO UPDATE SET histogram = excluded.histogram;
        END LOOP;
    END $$
"""
UNFILL = """
    DO $$
    DECLARE account uuid;
    BEGIN
        FOR account IN SELECT account_id FROM account_directory LOOP
            PERFORM set_config('app.account_id', account::text, true);
            INSERT INTO account_days (account_id, day, sessions_created, sessions_active)
            SELECT account, day, sessions_created, sessions_active FROM subject_days
            WHERE account_id = account AND subject = 'account' ON CONFLICT DO NOTHING;
            INSERT INTO tool_days (account_id, day, name, calls, errors, timed, duration_ms)
            SELECT account, day, name, messages, errors, timed, response_ms FROM subject_days
            WHERE account_id = account AND subject = 'tool' ON CONFLICT DO NOTHING;
            INSERT INTO latency_days (account_id, day, subject, name, histogram)
            SELECT account, day, subject, name, coalesce(array_agg(v ORDER BY bucket, part), '{}')
            FROM (SELECT *, reverse(histogram::text) AS digits FROM subject_days
                WHERE account_id = account AND subject IN ('agent', 'model', 'tool') AND timed <> 0) AS s
            CROSS JOIN LATERAL (
                SELECT b AS bucket, reverse(substr(digits, 1 + 8 * b, 8))::integer AS n
                FROM generate_series(0, (length(digits) - 1) / 8) AS b
            ) AS counted
            CROSS JOIN LATERAL (VALUES (0, bucket), (1, n)) AS pair (part, v)
            WHERE n <> 0 GROUP BY 1, 2, 3, 4 ON CONFLICT DO NOTHING;
        END LOOP;
    END $$
"""

HISTOGRAM_SUM = """
    CREATE FUNCTION histogram_sum(a integer[], b integer[]) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
        SELECT coalesce(array_agg(v ORDER BY bucket, part), '{}')
        FROM (
            SELECT h[i] AS bucket, sum(h[i + 1])::integer AS n
            FROM (SELECT a || b AS h) AS both_of_them,
                generate_series(1, cardinality(a) + cardinality(b), 2) AS i
            GROUP BY 1 HAVING sum(h[i + 1]) <> 0
        ) AS added, LATERAL (VALUES (0, bucket), (1, n)) AS pair (part, v)
    $$
"""


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE subject_days (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            subject varchar(20) NOT NULL,
            name varchar(200) NOT NULL,
            {" ".join(f"{name} bigint NOT NULL DEFAULT 0," for name in NUMBERS)}
            sessions_created bigint NOT NULL DEFAULT 0,
            sessions_active bigint NOT NULL DEFAULT 0,
            histogram numeric NOT NULL DEFAULT 0,
            CONSTRAINT pk_subject_days PRIMARY KEY (account_id, subject, day, name),
            CONSTRAINT ck_subject_days_subject CHECK (subject IN ('account', 'agent', 'model', 'tool', 'member'))
        )
    """)
    protect("subject_days")
    op.execute(FILL)
    # No release has known these.
    for table in ("account_days", "tool_days", "latency_days"):
        op.execute(f"-- squawk-ignore ban-drop-table\nDROP TABLE {table}")
    op.execute("-- squawk-ignore ban-drop-function\nDROP FUNCTION histogram_sum")


def downgrade() -> None:
    op.execute(HISTOGRAM_SUM)
    op.execute("REVOKE ALL ON FUNCTION histogram_sum FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION histogram_sum TO tally_app")
    op.execute(f"""
        CREATE TABLE account_days (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            sessions_created bigint NOT NULL DEFAULT 0,
            sessions_active bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_account_days PRIMARY KEY (account_id, day)
        )
    """)
    protect("account_days")
    op.execute(f"""
        CREATE TABLE tool_days (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            name varchar(200) NOT NULL,
            calls bigint NOT NULL DEFAULT 0,
            errors bigint NOT NULL DEFAULT 0,
            timed bigint NOT NULL DEFAULT 0,
            duration_ms bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_tool_days PRIMARY KEY (account_id, day, name)
        )
    """)
    protect("tool_days")
    op.execute(f"""
        CREATE TABLE latency_days (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            subject varchar(20) NOT NULL,
            name varchar(200) NOT NULL,
            histogram integer[] NOT NULL DEFAULT '{{}}',
            CONSTRAINT pk_latency_days PRIMARY KEY (account_id, day, subject, name),
            CONSTRAINT ck_latency_days_subject CHECK (subject IN ('agent', 'model', 'tool'))
        )
    """)
    protect("latency_days")
    op.execute(UNFILL)
    op.execute("DROP TABLE subject_days")
