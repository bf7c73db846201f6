"""Rollups: days of an account, and the version of its facts."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("account_versions", "account_days", "usage_days", "member_days", "session_days", "tool_days", "latency_days")


# Adds two histograms (bucket, count, bucket, count …); counts may be negative, buckets that reach zero vanish.
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
    op.execute(HISTOGRAM_SUM)
    op.execute("REVOKE ALL ON FUNCTION histogram_sum FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION histogram_sum TO tally_app")
    op.execute(f"""
        CREATE TABLE account_versions (
            account_id uuid NOT NULL DEFAULT {POLICY},
            version bigint NOT NULL DEFAULT 0,
            changed_at timestamptz NOT NULL DEFAULT now(),
            facts_from timestamptz,
            counted_from timestamptz,
            CONSTRAINT pk_account_versions PRIMARY KEY (account_id)
        )
    """)
    op.execute(f"""
        CREATE TABLE account_days (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            sessions_created bigint NOT NULL DEFAULT 0,
            sessions_active bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_account_days PRIMARY KEY (account_id, day)
        )
    """)
    op.execute(f"""
        CREATE TABLE usage_days (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            agent_name varchar(200) NOT NULL,
            model_id varchar(200) NOT NULL,
            role varchar(20) NOT NULL,
            messages bigint NOT NULL DEFAULT 0,
            errors bigint NOT NULL DEFAULT 0,
            input_tokens bigint NOT NULL DEFAULT 0,
            output_tokens bigint NOT NULL DEFAULT 0,
            cache_read_tokens bigint NOT NULL DEFAULT 0,
            cache_creation_tokens bigint NOT NULL DEFAULT 0,
            timed bigint NOT NULL DEFAULT 0,
            response_ms bigint NOT NULL DEFAULT 0,
            cost_micros bigint NOT NULL DEFAULT 0,
            unpriced bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_usage_days PRIMARY KEY (account_id, day, agent_name, model_id, role)
        )
    """)
    op.execute(f"""
        CREATE TABLE member_days (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            user_id uuid NOT NULL,
            model_id varchar(200) NOT NULL,
            messages bigint NOT NULL DEFAULT 0,
            errors bigint NOT NULL DEFAULT 0,
            input_tokens bigint NOT NULL DEFAULT 0,
            output_tokens bigint NOT NULL DEFAULT 0,
            cache_read_tokens bigint NOT NULL DEFAULT 0,
            cache_creation_tokens bigint NOT NULL DEFAULT 0,
            timed bigint NOT NULL DEFAULT 0,
            response_ms bigint NOT NULL DEFAULT 0,
            cost_micros bigint NOT NULL DEFAULT 0,
            unpriced bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_member_days PRIMARY KEY (account_id, day, user_id, model_id)
        )
    """)
    op.execute(f"""
        CREATE TABLE session_days (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            session_id uuid NOT NULL,
            messages bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_session_days PRIMARY KEY (account_id, day, session_id)
        )
    """)
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
    for table in TABLES:
        protect(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION histogram_sum")
