"""What went wrong in sessions, signal by signal, so that what two logs tell counts once."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NAMES = (
    "interruptions",
    "rejected_tools",
    "api_errors",
    "retries",
    "compactions",
    "commands",
    "skills",
    "sub_agents",
)


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE transcript_signals (
            account_id uuid NOT NULL DEFAULT {POLICY},
            transcript_id uuid NOT NULL,
            id uuid NOT NULL,
            session_id uuid NOT NULL,
            name varchar(20) NOT NULL,
            CONSTRAINT pk_transcript_signals PRIMARY KEY (account_id, transcript_id, id),
            CONSTRAINT fk_transcript_signals_account_id_transcript_id_transcripts
                FOREIGN KEY (account_id, transcript_id)
                REFERENCES transcripts (account_id, id) ON DELETE CASCADE,
            CONSTRAINT ck_transcript_signals_name CHECK (name IN ({", ".join(f"'{name}'" for name in NAMES)}))
        )
    """)
    op.execute(
        "CREATE INDEX ix_transcript_signals_account_id_session_id ON transcript_signals (account_id, session_id)"
    )
    op.execute("CREATE INDEX ix_transcript_signals_repeated ON transcript_signals (account_id, id, session_id)")
    protect("transcript_signals")


def downgrade() -> None:
    op.execute("DROP TABLE transcript_signals")
