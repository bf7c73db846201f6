"""Job leases: who is at a job of an account, when it is due, how its last runs ended."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OUTCOME = "outcome IN ('done', 'differs', 'partly', 'failed', 'stopped', 'lost')"


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE job_leases (
            account_id uuid NOT NULL DEFAULT {POLICY},
            job varchar(120) NOT NULL,
            due_at timestamptz NOT NULL DEFAULT now(),
            holder uuid,
            claimed_at timestamptz,
            expires_at timestamptz,
            began_at timestamptz,
            duration_ms integer,
            outcome varchar(20),
            items bigint NOT NULL DEFAULT 0,
            fault varchar(200),
            CONSTRAINT pk_job_leases PRIMARY KEY (account_id, job),
            CONSTRAINT fk_job_leases_account_id_accounts
                FOREIGN KEY (account_id)
                REFERENCES accounts (id) ON DELETE CASCADE,
            CONSTRAINT ck_job_leases_holder
                CHECK ((holder IS NULL) = (expires_at IS NULL) AND (holder IS NULL) = (claimed_at IS NULL)),
            CONSTRAINT ck_job_leases_outcome CHECK ({OUTCOME})
        )
    """)
    op.execute(f"""
        CREATE TABLE job_runs (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            job varchar(120) NOT NULL,
            began_at timestamptz NOT NULL,
            duration_ms integer,
            outcome varchar(20) NOT NULL,
            items bigint NOT NULL DEFAULT 0,
            fault varchar(200),
            CONSTRAINT pk_job_runs PRIMARY KEY (account_id, id),
            CONSTRAINT fk_job_runs_account_id_accounts
                FOREIGN KEY (account_id)
                REFERENCES accounts (id) ON DELETE CASCADE,
            CONSTRAINT ck_job_runs_outcome CHECK ({OUTCOME})
        )
    """)
    op.execute("CREATE INDEX ix_job_runs_account_id_job_id ON job_runs (account_id, job, id)")
    for table in ("job_leases", "job_runs"):
        protect(table)


def downgrade() -> None:
    op.execute("DROP TABLE job_runs")
    op.execute("DROP TABLE job_leases")
