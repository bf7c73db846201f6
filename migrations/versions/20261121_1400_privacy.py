"""Privacy: what people see of single members, and accounts that are being closed."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE accounts ADD member_detail varchar(20) NOT NULL DEFAULT 'groups'
        CONSTRAINT ck_accounts_member_detail CHECK (member_detail IN ('all', 'groups', 'own'))
    """)
    op.execute("ALTER TABLE accounts ADD closing_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE accounts DROP closing_at")
    op.execute("ALTER TABLE accounts DROP member_detail")
