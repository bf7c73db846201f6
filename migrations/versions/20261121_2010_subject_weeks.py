"""Weeks of agents, models and tools, added up from their days."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0017"
down_revision = "0016"
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
# One account at a time, as row-level security sees it.
FILL = f"""
    DO $$
    DECLARE account uuid;
    BEGIN
        FOR account IN SELECT account_id FROM account_directory LOOP
            PERFORM set_config('app.account_id', account::text, true);
            INSERT INTO subject_weeks (account_id, day, subject, name, {", ".join(NUMBERS)}, histogram)
            SELECT account, day - (EXTRACT(isodow FROM day)::integer - 1), subject, name,
                {", ".join(f"sum({name})::bigint" for name in NUMBERS)}, sum(histogram)
            FROM subject_days WHERE account_id = account AND subject IN ('agent', 'model', 'tool')
            GROUP BY 2, 3, 4 ORDER BY 3, 2, 4 ON CONFLICT DO NOTHING;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE subject_weeks (
            account_id uuid NOT NULL DEFAULT {POLICY},
            day date NOT NULL,
            subject varchar(20) NOT NULL,
            name varchar(200) NOT NULL,
            {" ".join(f"{name} bigint NOT NULL DEFAULT 0," for name in NUMBERS)}
            histogram numeric NOT NULL DEFAULT 0,
            CONSTRAINT pk_subject_weeks PRIMARY KEY (account_id, subject, day, name),
            CONSTRAINT ck_subject_weeks_subject CHECK (subject IN ('agent', 'model', 'tool'))
        )
    """)
    protect("subject_weeks")
    # What is added to days until the end would be missing in their weeks: who writes waits, and tries again.
    op.execute("LOCK TABLE subject_days IN SHARE MODE")
    op.execute(FILL)


def downgrade() -> None:
    op.execute("DROP TABLE subject_weeks")
