"""What a database's schema is, as lines that can be compared."""

import asyncpg

DESCRIBED = """
WITH rel AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i')
SELECT format('%s %s of %s, grants %s, row security %s/%s', relkind, relname, pg_get_userbyid(relowner),
    relacl, relrowsecurity, relforcerowsecurity) FROM rel
UNION ALL
SELECT format('%s.%s %s null %s default %s %s', relname, attname, format_type(atttypid, atttypmod), NOT attnotnull,
    pg_get_expr(adbin, adrelid), attgenerated)
FROM rel JOIN pg_attribute a ON attrelid = rel.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = rel.oid AND adnum = attnum
UNION ALL
SELECT format('%s on %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN rel ON rel.oid = indrelid
UNION ALL
SELECT format('%s on %s: %s, %s', polname, polrelid::regclass, pg_get_expr(polqual, polrelid),
    pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
UNION ALL
SELECT format('%s, grants %s', pg_get_functiondef(oid), proacl) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
# How the two ways to make a schema, migrations and models, are compared: without what only migrations say.
OF_MIGRATIONS = ("grants", "_of_account on", "alembic_version")


async def described(connection: asyncpg.Connection) -> list[str]:
    return sorted(row[0] for row in await connection.fetch(DESCRIBED))


async def shaped(connection: asyncpg.Connection) -> list[str]:
    return [line for line in await described(connection) if not any(word in line for word in OF_MIGRATIONS)]
