"""Facts: sessions and what belongs to them."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("ai_sessions", "messages", "tool_calls", "ai_session_steps", "session_handoffs")


def between(given: str) -> str:
    """A duration in milliseconds: the given one, else from start to end where both are known and in order."""
    elapsed = "EXTRACT(epoch FROM completed_at - started_at) * 1000::numeric"
    return (
        f"COALESCE({given}, CASE WHEN completed_at >= started_at"
        f" THEN LEAST(round({elapsed}), 2147483647::numeric)::integer ELSE NULL::integer END)"
    )


def upgrade() -> None:
    op.execute(f"""
        CREATE TABLE ai_sessions (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            external_id varchar(200),
            user_id uuid,
            session_type varchar(200),
            intake_type varchar(200),
            status varchar(200),
            confidence_tier varchar(200),
            provider varchar(200),
            model varchar(200),
            workspace varchar(200),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            is_stub boolean NOT NULL DEFAULT false,
            user_id_at timestamptz DEFAULT now(),
            session_type_at timestamptz DEFAULT now(),
            intake_type_at timestamptz DEFAULT now(),
            status_at timestamptz DEFAULT now(),
            confidence_tier_at timestamptz DEFAULT now(),
            provider_at timestamptz DEFAULT now(),
            model_at timestamptz DEFAULT now(),
            workspace_at timestamptz DEFAULT now(),
            user_messages integer NOT NULL DEFAULT 0,
            assistant_messages integer NOT NULL DEFAULT 0,
            other_messages integer NOT NULL DEFAULT 0,
            error_count integer NOT NULL DEFAULT 0,
            tool_calls integer NOT NULL DEFAULT 0,
            tool_errors integer NOT NULL DEFAULT 0,
            input_tokens bigint NOT NULL DEFAULT 0,
            output_tokens bigint NOT NULL DEFAULT 0,
            cache_read_tokens bigint NOT NULL DEFAULT 0,
            cache_creation_tokens bigint NOT NULL DEFAULT 0,
            cost_micros bigint NOT NULL DEFAULT 0,
            unpriced_messages integer NOT NULL DEFAULT 0,
            models jsonb NOT NULL DEFAULT '{{}}',
            first_activity_at timestamptz,
            last_activity_at timestamptz,
            active_us bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_ai_sessions PRIMARY KEY (account_id, id),
            CONSTRAINT fk_ai_sessions_account_id_accounts
                FOREIGN KEY (account_id)
                REFERENCES accounts (id) ON DELETE CASCADE,
            CONSTRAINT fk_ai_sessions_account_id_user_id_users
                FOREIGN KEY (account_id, user_id)
                REFERENCES users (account_id, id)
        )
    """)
    op.execute("CREATE INDEX ix_ai_sessions_account_id_created_at_id ON ai_sessions (account_id, created_at, id)")
    op.execute("CREATE INDEX ix_ai_sessions_account_id_updated_at_id ON ai_sessions (account_id, updated_at, id)")
    op.execute("""
        CREATE INDEX ix_ai_sessions_account_id_user_id_created_at_id
        ON ai_sessions (account_id, user_id, created_at, id)
    """)
    op.execute("""
        CREATE INDEX ix_ai_sessions_account_id_user_id_last_activity_at
        ON ai_sessions (account_id, user_id, last_activity_at)
    """)
    op.execute(f"""
        CREATE TABLE messages (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            session_id uuid NOT NULL,
            session_key varchar(200),
            user_id uuid,
            role varchar(20) NOT NULL,
            status varchar(20) NOT NULL DEFAULT 'completed',
            is_error boolean NOT NULL DEFAULT false,
            error_kind varchar(200),
            agent_name varchar(200),
            model_id varchar(200),
            provider varchar(200),
            created_at timestamptz NOT NULL,
            started_at timestamptz,
            completed_at timestamptz,
            given_response_ms integer,
            response_time_ms integer GENERATED ALWAYS AS ({between("given_response_ms")}) STORED,
            input_tokens integer NOT NULL DEFAULT 0,
            output_tokens integer NOT NULL DEFAULT 0,
            cache_read_tokens integer NOT NULL DEFAULT 0,
            cache_creation_tokens integer NOT NULL DEFAULT 0,
            cost_micros bigint,
            price_version varchar(30),
            CONSTRAINT pk_messages PRIMARY KEY (account_id, id),
            CONSTRAINT fk_messages_account_id_session_id_ai_sessions
                FOREIGN KEY (account_id, session_id)
                REFERENCES ai_sessions (account_id, id) ON DELETE CASCADE,
            CONSTRAINT ck_messages_role CHECK (role IN ('user', 'assistant', 'system', 'tool')),
            CONSTRAINT ck_messages_status CHECK (status IN ('running', 'completed', 'failed'))
        )
    """)
    op.execute("""
        CREATE INDEX ix_messages_account_id_session_id ON messages (account_id, session_id)
    """)
    op.execute("""
        CREATE INDEX ix_messages_counted
        ON messages (account_id, created_at)
        INCLUDE (role, agent_name, model_id, user_id, session_id, is_error,
            response_time_ms, input_tokens, output_tokens, cache_read_tokens,
            cache_creation_tokens, cost_micros)
    """)
    op.execute(f"""
        CREATE TABLE tool_calls (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            session_id uuid NOT NULL,
            session_key varchar(200),
            user_id uuid,
            message_id varchar(200),
            name varchar(200),
            status varchar(20) NOT NULL DEFAULT 'success',
            is_error boolean NOT NULL DEFAULT false,
            started_at timestamptz,
            completed_at timestamptz,
            received_at timestamptz NOT NULL DEFAULT now(),
            occurred_at timestamptz NOT NULL
                GENERATED ALWAYS AS (coalesce(started_at, completed_at, received_at)) STORED,
            given_duration_ms integer,
            duration_ms integer GENERATED ALWAYS AS ({between("given_duration_ms")}) STORED,
            CONSTRAINT pk_tool_calls PRIMARY KEY (account_id, id),
            CONSTRAINT fk_tool_calls_account_id_session_id_ai_sessions
                FOREIGN KEY (account_id, session_id)
                REFERENCES ai_sessions (account_id, id) ON DELETE CASCADE,
            CONSTRAINT ck_tool_calls_status CHECK (status IN ('running', 'success', 'error'))
        )
    """)
    op.execute("""
        CREATE INDEX ix_tool_calls_account_id_session_id ON tool_calls (account_id, session_id)
    """)
    op.execute("""
        CREATE INDEX ix_tool_calls_counted
        ON tool_calls (account_id, occurred_at)
        INCLUDE (name, user_id, is_error, duration_ms)
    """)
    op.execute(f"""
        CREATE TABLE ai_session_steps (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            session_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            step_order integer,
            step_type varchar(200),
            confidence_at_step double precision,
            input_tokens integer,
            output_tokens integer,
            is_fork_point boolean NOT NULL DEFAULT false,
            was_free_text boolean NOT NULL DEFAULT false,
            was_skipped boolean NOT NULL DEFAULT false,
            CONSTRAINT pk_ai_session_steps PRIMARY KEY (account_id, id),
            CONSTRAINT fk_ai_session_steps_account_id_session_id_ai_sessions
                FOREIGN KEY (account_id, session_id)
                REFERENCES ai_sessions (account_id, id) ON DELETE CASCADE
        )
    """)
    op.execute("""
        CREATE INDEX ix_ai_session_steps_account_id_created_at
        ON ai_session_steps (account_id, created_at)
    """)
    op.execute("""
        CREATE INDEX ix_ai_session_steps_account_id_session_id_created_at
        ON ai_session_steps (account_id, session_id, created_at)
    """)
    op.execute(f"""
        CREATE TABLE session_handoffs (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            session_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            handed_off_by uuid,
            intent varchar(200),
            priority varchar(200),
            claimed_at timestamptz,
            claimed_by uuid,
            CONSTRAINT pk_session_handoffs PRIMARY KEY (account_id, id),
            CONSTRAINT fk_session_handoffs_account_id_session_id_ai_sessions
                FOREIGN KEY (account_id, session_id)
                REFERENCES ai_sessions (account_id, id) ON DELETE CASCADE
        )
    """)
    op.execute("""
        CREATE INDEX ix_session_handoffs_account_id_claimed_at
        ON session_handoffs (account_id, claimed_at)
    """)
    op.execute("""
        CREATE INDEX ix_session_handoffs_account_id_created_at
        ON session_handoffs (account_id, created_at)
    """)
    op.execute("""
        CREATE INDEX ix_session_handoffs_account_id_session_id
        ON session_handoffs (account_id, session_id)
    """)
    for table in TABLES:
        protect(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
