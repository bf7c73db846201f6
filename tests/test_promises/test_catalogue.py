"""T3: what the catalogue must say of every table, so that a new one without its policies fails here by itself.

Each rule is a query whose rows are violations, and a statement that breaks it: a rule that cannot fail holds nothing.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from app.db.addresses import Addresses
from tests.serving import operator

# What is no account's: the schema's version, and the ids of all accounts and nothing else.
GROUND = """
WITH listed(name) AS (VALUES ('alembic_version'), ('account_directory')),
ours AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
rel AS (
    SELECT c.*, CASE WHEN relname = 'accounts' THEN 'id' ELSE 'account_id' END AS account_column
    FROM pg_class c WHERE relnamespace IN (SELECT oid FROM ours)
),
tenant AS (
    SELECT rel.*, a.attnum AS account_number, a.atttypid, a.attnotnull
    FROM rel LEFT JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attname = account_column
    WHERE relkind IN ('r', 'p') AND relname NOT IN (SELECT name FROM listed)
),
col AS (
    SELECT t.relname, a.*, t.relname || '.' || a.attname AS named, format_type(atttypid, atttypmod) AS type
    FROM rel t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.relkind IN ('r', 'p') AND t.relname <> 'alembic_version'
),
role_named(oid, name) AS (SELECT oid, rolname FROM pg_roles UNION ALL SELECT 0, 'PUBLIC'),
granted AS (
    SELECT relname::text AS what, relowner AS owner, (aclexplode(relacl)).* FROM rel
    UNION ALL
    SELECT named, 0, (aclexplode(attacl)).* FROM col
    UNION ALL
    SELECT proname::text, proowner, (aclexplode(coalesce(proacl, acldefault('f', proowner)))).* FROM pg_proc
    WHERE pronamespace IN (SELECT oid FROM ours)
),
wanted(what, privileges) AS (
    SELECT relname::text, CASE relname
        WHEN 'account_directory' THEN '{SELECT,INSERT,DELETE}'
        WHEN 'audit_log' THEN '{SELECT,INSERT,DELETE}'  -- what was done stays as it was written down
        WHEN 'alembic_version' THEN '{}'
        ELSE '{SELECT,INSERT,UPDATE,DELETE}' END::text[]
    FROM rel WHERE relkind IN ('r', 'p')
),
policy(text) AS (VALUES ('(%s = (NULLIF(current_setting(''app.account_id''::text, true), ''''::text))::uuid)'))
"""


@dataclass(frozen=True)
class Rule:
    says: str
    violations: str
    breach: str
    names: str


RULES = (
    Rule(
        "every table is an account's, or listed",
        "SELECT relname FROM tenant WHERE account_number IS NULL OR atttypid <> 'uuid'::regtype OR NOT attnotnull",
        "CREATE TABLE bad (id uuid PRIMARY KEY)",
        "bad",
    ),
    Rule(
        "row-level security is enabled",
        "SELECT relname FROM tenant WHERE NOT relrowsecurity",
        "ALTER TABLE messages DISABLE ROW LEVEL SECURITY",
        "messages",
    ),
    Rule(
        "row-level security is forced",
        "SELECT relname FROM tenant WHERE NOT relforcerowsecurity",
        "ALTER TABLE messages NO FORCE ROW LEVEL SECURITY",
        "messages",
    ),
    Rule(
        "there is one policy a table",
        "SELECT relname FROM tenant WHERE (SELECT count(*) FROM pg_policy WHERE polrelid = tenant.oid) <> 1",
        "CREATE POLICY second ON messages USING (true)",
        "messages",
    ),
    Rule(
        "it has the one text, for reading and for writing, every command and everybody",
        """
        SELECT polname || ' on ' || relname FROM pg_policy JOIN rel ON rel.oid = polrelid, policy
        WHERE polcmd <> '*' OR NOT polpermissive OR polroles <> '{0}'
            OR pg_get_expr(polqual, polrelid) IS DISTINCT FROM format(policy.text, account_column)
            OR pg_get_expr(polwithcheck, polrelid) IS DISTINCT FROM format(policy.text, account_column)
        """,
        "ALTER POLICY users_of_account ON users WITH CHECK (true)",
        "users_of_account on users",
    ),
    Rule(
        "the owner of every table is tally_owner",
        "SELECT relname FROM rel WHERE pg_get_userbyid(relowner) <> 'tally_owner'",
        "ALTER TABLE messages OWNER TO tally_app",
        "messages",
    ),
    Rule(
        "the application owns nothing",
        """
        SELECT classid::regclass || ' ' || objid FROM pg_shdepend
        WHERE deptype = 'o' AND refobjid = 'tally_app'::regrole
            AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        """,
        "CREATE SCHEMA AUTHORIZATION tally_app",
        "pg_namespace",
    ),
    Rule(
        "neither role is above row-level security, nor makes databases or roles",
        """
        SELECT rolname FROM pg_roles WHERE rolname IN ('tally_app', 'tally_owner')
            AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication OR NOT rolcanlogin)
        """,
        "ALTER ROLE tally_app BYPASSRLS",
        "tally_app",
    ),
    Rule(
        "the application is no other role's member",
        "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'tally_app'::regrole",
        "GRANT tally_owner TO tally_app",
        "tally_owner",
    ),
    Rule(
        "the application may do what is listed and nothing else; nobody else may do anything",
        """
        SELECT name || ' may ' || privilege_type || ' on ' || granted.what
        FROM granted JOIN role_named ON role_named.oid = grantee LEFT JOIN wanted USING (what)
        WHERE grantee <> owner AND (name <> 'tally_app' OR is_grantable OR privilege_type <> ALL (
            coalesce(privileges, '{}')))
        """,
        "GRANT TRUNCATE ON messages TO tally_app",
        "tally_app may TRUNCATE on messages",
    ),
    Rule(
        "and no less",
        """
        SELECT what || ' without ' || lacking FROM wanted, unnest(privileges) AS lacking
        WHERE NOT EXISTS (SELECT FROM granted WHERE granted.what = wanted.what
            AND grantee = 'tally_app'::regrole AND privilege_type = lacking)
        """,
        "REVOKE DELETE ON messages FROM tally_app",
        "messages without DELETE",
    ),
    Rule(
        "only the owner may create in a schema",
        """
        SELECT nspname FROM pg_namespace, (VALUES ('tally_app'), ('public')) AS everybody(name)
        WHERE oid IN (SELECT oid FROM ours) AND has_schema_privilege(everybody.name, oid, 'CREATE')
        """,
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "public",
    ),
    Rule(
        "nothing is granted in advance",
        "SELECT defaclobjtype::text || ' ' || defaclacl::text FROM pg_default_acl",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "r ",
    ),
    Rule(
        "a view sees what its reader may see; no copies, no foreign tables, no sequences",
        """
        SELECT relname FROM rel WHERE relkind IN ('m', 'f', 'S')
            OR relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)
        """,
        "CREATE VIEW bad AS SELECT * FROM users",
        "bad",
    ),
    Rule(
        "there is no function, so none that sees more than its caller",
        "SELECT proname FROM pg_proc WHERE pronamespace IN (SELECT oid FROM ours)",
        "CREATE FUNCTION bad() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "bad",
    ),
    Rule(
        "nothing happens behind a statement's back",
        """
        SELECT tgname FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM rel) AND NOT tgisinternal
        UNION ALL SELECT rulename FROM pg_rewrite JOIN rel ON rel.oid = ev_class WHERE relkind <> 'v'
        UNION ALL SELECT evtname FROM pg_event_trigger
        """,
        "CREATE RULE bad AS ON DELETE TO users DO INSTEAD NOTHING",
        "bad",
    ),
    Rule(
        "every index is led by the account",
        """
        SELECT indexrelid::regclass::text FROM pg_index JOIN tenant ON tenant.oid = indrelid
        WHERE indkey[0] IS DISTINCT FROM account_number
        """,
        "CREATE INDEX bad ON users (email, account_id)",
        "bad",
    ),
    Rule(
        "a foreign key ties rows of one account",
        """
        SELECT conname FROM pg_constraint JOIN rel child ON child.oid = conrelid
            LEFT JOIN tenant a ON a.oid = conrelid LEFT JOIN tenant b ON b.oid = confrelid
        WHERE contype = 'f' AND coalesce(
            array_position(conkey, a.account_number) <> array_position(confkey, b.account_number), true)
        """,
        "ALTER TABLE users ADD CONSTRAINT bad FOREIGN KEY (id) REFERENCES accounts (id) NOT VALID",
        "bad",
    ),
    Rule(
        "it deletes with its parent or refuses, at once, and is checked",
        """
        SELECT conname FROM pg_constraint WHERE connamespace IN (SELECT oid FROM ours)
            AND (contype = 'f' AND (confdeltype NOT IN ('a', 'c') OR confupdtype <> 'a')
                OR condeferrable OR NOT convalidated OR NOT conenforced)
        """,
        "ALTER TABLE users ADD CONSTRAINT bad FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE SET NULL",
        "bad",
    ),
    Rule(
        "keys come from the application, not from a counter",
        "SELECT named FROM col WHERE attidentity <> ''",
        "ALTER TABLE users ADD bad bigint GENERATED ALWAYS AS IDENTITY",
        "users.bad",
    ),
    Rule(
        "no table is another's child",
        "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE relkind IN ('r', 'p')",
        "CREATE TABLE bad () INHERITS (users)",
        "bad",
    ),
    Rule(
        "every column is of a type that is small and that row-level security can index",
        """
        SELECT named || ' ' || type FROM col
        WHERE type NOT IN
            ('uuid', 'boolean', 'integer', 'bigint', 'double precision', 'timestamp with time zone', 'date')
            AND NOT (atttypid = 'varchar'::regtype AND atttypmod - 4 BETWEEN 1 AND 255)
            AND (named, type) NOT IN (VALUES
                ('audit_log.parameters', 'jsonb'), ('ai_sessions.models', 'jsonb'),
                ('subject_days.histogram', 'numeric'), ('subject_weeks.histogram', 'numeric'),
                ('accounts.workspace_salt', 'bytea'),
                ('api_keys.sha256', 'bytea'), ('idempotency_keys.body_sha256', 'bytea'),
                ('idempotency_keys.answer', 'bytea'), ('transcripts.name', 'character varying(500)'),
                ('processor_state.carried', 'json'), ('processor_state.problems', 'jsonb'))
        """,
        "ALTER TABLE messages ADD note text",
        "messages.note text",
    ),
    Rule(
        "no column's name promises content",
        r"""
        SELECT named FROM col
        WHERE type ~ '^(character|text|json|bytea)'
            AND attname ~ ('(^|_)(text|prompt|output|input|arguments?|args|payload|body|content|message|summary|title|'
                || 'transcript|question|reply|reason|comment|description|stdout|stderr|command|query|raw|data)(_|$)')
            AND attname !~ '_(id|sha256)$'
        """,
        "ALTER TABLE messages ADD prompt_text varchar(100)",
        "messages.prompt_text",
    ),
)
NAMES = [rule.says for rule in RULES]


@pytest.fixture
async def catalogue(addresses: Addresses) -> AsyncIterator[asyncpg.Connection]:
    async with operator(addresses) as connection:
        yield connection


async def violations(connection: asyncpg.Connection, rule: Rule) -> list[str]:
    return [str(row[0]) for row in await connection.fetch(GROUND + rule.violations)]


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
async def test_the_schema_keeps_to_the_rule(catalogue: asyncpg.Connection, rule: Rule) -> None:
    assert await violations(catalogue, rule) == []


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
async def test_the_rule_names_what_breaks_it(catalogue: asyncpg.Connection, rule: Rule) -> None:
    transaction = catalogue.transaction()
    await transaction.start()
    try:
        # Others may be reading: better to fail than to hold them up.
        await catalogue.execute(f"SET LOCAL lock_timeout = '20s'; {rule.breach}")
        assert any(found.startswith(rule.names) for found in await violations(catalogue, rule))
    finally:
        await transaction.rollback()
