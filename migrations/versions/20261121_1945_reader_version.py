"""Logs read on their owners' machines: what read each, so that something better reads it again."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE transcripts ADD COLUMN reader_version integer NOT NULL DEFAULT 0")


def downgrade() -> None:
    op.execute("ALTER TABLE transcripts DROP COLUMN reader_version")
