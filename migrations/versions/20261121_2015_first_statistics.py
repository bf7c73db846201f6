"""A table nobody has analyzed yet is known to hold few accounts, so that its rows are looked up by their key.

Knowing nothing, PostgreSQL takes every index that begins with the account for as good as the key, and of equals the
newest: until autovacuum came by, a minute later, each message searched all sessions of its account for its own.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        SELECT pg_restore_attribute_stats(
            'schemaname', c.relnamespace::regnamespace::text, 'relname', c.relname::text, 'attname', a.attname::text,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'account_id'
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.reltuples < 0
    """)


def downgrade() -> None:
    """What is known of a table is no part of it."""
