"""Accounts, members, keys, audit, idempotency."""

from alembic import op

from migrations.row_security import POLICY, protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("account_directory", "accounts", "users", "api_keys", "audit_log", "idempotency_keys")


def upgrade() -> None:
    op.execute("""
        CREATE TABLE account_directory (
            account_id uuid NOT NULL,
            CONSTRAINT pk_account_directory PRIMARY KEY (account_id)
        )
    """)
    op.execute("""
        CREATE TABLE accounts (
            id uuid NOT NULL,
            name varchar(200) NOT NULL,
            display_code varchar(20) NOT NULL,
            timezone varchar(64) NOT NULL DEFAULT 'UTC',
            retention_days integer NOT NULL DEFAULT 0,
            workspace_labels varchar(20) NOT NULL DEFAULT 'basename_only',
            workspace_salt bytea NOT NULL,
            create_members boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_accounts PRIMARY KEY (id),
            CONSTRAINT ck_accounts_workspace_salt CHECK (octet_length(workspace_salt) = 32),
            CONSTRAINT ck_accounts_retention_days CHECK (retention_days BETWEEN 0 AND 36500),
            CONSTRAINT ck_accounts_workspace_labels
                CHECK (workspace_labels IN ('full_path', 'hashed', 'basename_only'))
        )
    """)
    op.execute(f"""
        CREATE TABLE users (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            email varchar(254) NOT NULL,
            name varchar(200) NOT NULL,
            account_role varchar(20) NOT NULL,
            active boolean NOT NULL DEFAULT true,
            last_pull_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_users PRIMARY KEY (account_id, id),
            CONSTRAINT fk_users_account_id_accounts
                FOREIGN KEY (account_id)
                REFERENCES accounts (id) ON DELETE CASCADE,
            CONSTRAINT uq_users_account_id_email UNIQUE (account_id, email),
            CONSTRAINT ck_users_email_lower CHECK (email = lower(email)),
            CONSTRAINT ck_users_account_role
                CHECK (account_role IN ('viewer', 'engineer', 'admin', 'owner'))
        )
    """)
    op.execute(f"""
        CREATE TABLE api_keys (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            user_id uuid NOT NULL,
            name varchar(200) NOT NULL,
            sha256 bytea NOT NULL,
            hint varchar(20) NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            last_used_at timestamptz,
            revoked_at timestamptz,
            CONSTRAINT pk_api_keys PRIMARY KEY (account_id, id),
            CONSTRAINT ck_api_keys_sha256 CHECK (octet_length(sha256) = 32),
            CONSTRAINT fk_api_keys_account_id_user_id_users
                FOREIGN KEY (account_id, user_id)
                REFERENCES users (account_id, id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX ix_api_keys_account_id_user_id_id ON api_keys (account_id, user_id, id)")
    op.execute("CREATE UNIQUE INDEX uq_api_keys_sha256 ON api_keys (account_id, sha256)")
    op.execute(f"""
        CREATE TABLE audit_log (
            account_id uuid NOT NULL DEFAULT {POLICY},
            id uuid NOT NULL DEFAULT uuidv7(),
            at timestamptz NOT NULL DEFAULT now(),
            user_id uuid,
            action varchar(200) NOT NULL,
            resource varchar(200),
            parameters jsonb NOT NULL DEFAULT '{{}}',
            result varchar(20) NOT NULL,
            status integer,
            duration_ms integer,
            client_kind varchar(20) NOT NULL,
            ip varchar(200),
            request_id varchar(200),
            CONSTRAINT pk_audit_log PRIMARY KEY (account_id, id),
            CONSTRAINT fk_audit_log_account_id_accounts
                FOREIGN KEY (account_id)
                REFERENCES accounts (id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX ix_audit_log_at ON audit_log (account_id, at DESC, id DESC)")
    op.execute("CREATE INDEX ix_audit_log_user_at ON audit_log (account_id, user_id, at DESC, id DESC)")
    op.execute(f"""
        CREATE TABLE idempotency_keys (
            account_id uuid NOT NULL DEFAULT {POLICY},
            key varchar(255) NOT NULL,
            body_sha256 bytea NOT NULL,
            status integer,
            answer bytea,
            created_at timestamptz NOT NULL DEFAULT now(),
            completed_at timestamptz,
            CONSTRAINT pk_idempotency_keys PRIMARY KEY (account_id, key),
            CONSTRAINT ck_idempotency_keys_body_sha256 CHECK (octet_length(body_sha256) = 32),
            CONSTRAINT ck_idempotency_keys_answer CHECK (octet_length(answer) <= 8388608),
            CONSTRAINT fk_idempotency_keys_account_id_accounts
                FOREIGN KEY (account_id)
                REFERENCES accounts (id) ON DELETE CASCADE
        )
    """)
    op.execute("""
        CREATE INDEX ix_idempotency_keys_account_id_created_at
        ON idempotency_keys (account_id, created_at)
    """)
    op.execute("GRANT SELECT, INSERT, DELETE ON account_directory TO tally_app")
    protect("accounts", column="id")
    for table in ("users", "api_keys", "idempotency_keys"):
        protect(table)
    # What was done stays as it was written down: retention deletes, nobody rewrites.
    protect("audit_log", grants="SELECT, INSERT, DELETE")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
