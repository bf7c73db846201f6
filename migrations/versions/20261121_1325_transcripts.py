"""Session logs: the files, the sessions they speak of, how far each processor has come with them."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("transcripts", "transcript_sessions", "processor_state")


def upgrade() -> None:
    op.execute("ALTER TABLE accounts ADD COLUMN keep_transcripts boolean NOT NULL DEFAULT true")
    op.execute("ALTER TABLE accounts ADD COLUMN allow_raw_uploads boolean NOT NULL DEFAULT true")
    op.execute(f"""
        CREATE TABLE transcripts (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            user_id uuid NOT NULL,
            name varchar(500) NOT NULL,
            sha256 varchar(64) NOT NULL,
            size bigint NOT NULL,
            source varchar(20) NOT NULL,
            form varchar(20),
            storage_key varchar(200),
            uploaded_at timestamptz NOT NULL DEFAULT now(),
            processed_at timestamptz,
            CONSTRAINT pk_transcripts PRIMARY KEY (account_id, id),
            CONSTRAINT fk_transcripts_account_id_accounts
                FOREIGN KEY (account_id)
                REFERENCES accounts (id) ON DELETE CASCADE,
            CONSTRAINT fk_transcripts_account_id_user_id_users
                FOREIGN KEY (account_id, user_id)
                REFERENCES users (account_id, id),
            CONSTRAINT uq_transcripts_account_id_user_id_name UNIQUE (account_id, user_id, name),
            CONSTRAINT ck_transcripts_sha256 CHECK (length(sha256) = 64),
            CONSTRAINT ck_transcripts_size CHECK (size >= 0),
            CONSTRAINT ck_transcripts_source CHECK (source IN ('upload', 'rows')),
            CONSTRAINT ck_transcripts_form CHECK (form IN ('claude_code', 'codex'))
        )
    """)
    op.execute("""
        CREATE INDEX ix_transcripts_account_id_user_id_uploaded_at_id
        ON transcripts (account_id, user_id, uploaded_at, id)
    """)
    # What a processor may still have to read: few of many, once raw files are deleted or never sent.
    op.execute("""
        CREATE INDEX ix_transcripts_kept ON transcripts (account_id, uploaded_at, id) WHERE storage_key IS NOT NULL
    """)
    op.execute(f"""
        CREATE TABLE transcript_sessions (
            account_id uuid NOT NULL DEFAULT {POLICY},
            transcript_id uuid NOT NULL,
            session_id uuid NOT NULL,
            interruptions integer NOT NULL DEFAULT 0,
            rejected_tools integer NOT NULL DEFAULT 0,
            api_errors integer NOT NULL DEFAULT 0,
            retries integer NOT NULL DEFAULT 0,
            compactions integer NOT NULL DEFAULT 0,
            commands integer NOT NULL DEFAULT 0,
            skills integer NOT NULL DEFAULT 0,
            sub_agents integer NOT NULL DEFAULT 0,
            CONSTRAINT pk_transcript_sessions PRIMARY KEY (account_id, transcript_id, session_id),
            CONSTRAINT fk_transcript_sessions_account_id_transcript_id_transcripts
                FOREIGN KEY (account_id, transcript_id)
                REFERENCES transcripts (account_id, id) ON DELETE CASCADE
        )
    """)
    op.execute("""
        CREATE INDEX ix_transcript_sessions_account_id_session_id
        ON transcript_sessions (account_id, session_id)
    """)
    op.execute(f"""
        CREATE TABLE processor_state (
            account_id uuid NOT NULL DEFAULT {POLICY},
            transcript_id uuid NOT NULL,
            processor varchar(100) NOT NULL,
            version integer NOT NULL,
            sha256 varchar(64),
            byte_offset bigint NOT NULL DEFAULT 0,
            carried json,
            attempts integer NOT NULL DEFAULT 0,
            last_error varchar(200),
            next_attempt_at timestamptz,
            quarantined_at timestamptz,
            processed_at timestamptz,
            items integer NOT NULL DEFAULT 0,
            problems jsonb NOT NULL DEFAULT '[]',
            CONSTRAINT pk_processor_state PRIMARY KEY (account_id, transcript_id, processor),
            CONSTRAINT fk_processor_state_account_id_transcript_id_transcripts
                FOREIGN KEY (account_id, transcript_id)
                REFERENCES transcripts (account_id, id) ON DELETE CASCADE
        )
    """)
    # Files somebody has to look at: few, asked for with every page of an admin.
    op.execute("""
        CREATE INDEX ix_processor_state_quarantined ON processor_state (account_id, processor)
        WHERE quarantined_at IS NOT NULL
    """)
    for table in TABLES:
        protect(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE accounts DROP COLUMN allow_raw_uploads")
    op.execute("ALTER TABLE accounts DROP COLUMN keep_transcripts")
