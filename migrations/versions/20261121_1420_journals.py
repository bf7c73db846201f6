"""Event journals: how far each file was read, and which sessions it tells of."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE journals (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            name varchar(200) NOT NULL,
            byte_offset bigint NOT NULL DEFAULT 0,
            newlines bigint NOT NULL DEFAULT 0,
            read_sha256 varchar(64) NOT NULL,
            read_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_journals PRIMARY KEY (account_id, id),
            CONSTRAINT fk_journals_account_id_accounts
                FOREIGN KEY (account_id)
                REFERENCES accounts (id) ON DELETE CASCADE,
            CONSTRAINT ck_journals_read_sha256 CHECK (length(read_sha256) = 64),
            CONSTRAINT ck_journals_byte_offset CHECK (byte_offset >= 0 AND newlines >= 0)
        )
    """)
    op.execute(f"""
        CREATE TABLE journal_sessions (
            account_id uuid NOT NULL DEFAULT {POLICY},
            journal_id uuid NOT NULL,
            session_id uuid NOT NULL,
            CONSTRAINT pk_journal_sessions PRIMARY KEY (account_id, journal_id, session_id),
            CONSTRAINT fk_journal_sessions_account_id_journal_id_journals
                FOREIGN KEY (account_id, journal_id)
                REFERENCES journals (account_id, id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX ix_journal_sessions_account_id_session_id ON journal_sessions (account_id, session_id)")
    for table in ("journals", "journal_sessions"):
        protect(table)


def downgrade() -> None:
    op.execute("DROP TABLE journal_sessions")
    op.execute("DROP TABLE journals")
