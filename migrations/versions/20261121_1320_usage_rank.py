"""Messages: whose report of a call counts, and which cached tokens are kept an hour."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN cache_creation_1h_tokens integer, ADD COLUMN usage_rank integer")


def downgrade() -> None:
    op.execute("ALTER TABLE messages DROP COLUMN usage_rank, DROP COLUMN cache_creation_1h_tokens")
