"""What a row refers to is found by its key, also in a database that nobody has analyzed yet."""

from collections.abc import Iterator

import pytest

from app.db.addresses import Addresses
from tests.server import migrate
from tests.serving import empty_database, operator

ACCOUNT, ROW = "'11111111-1111-4111-8111-111111111111'", "'22222222-2222-4222-8222-222222222222'"
ROWS = f"""
    INSERT INTO accounts (id, name, display_code, workspace_salt) VALUES ({ACCOUNT}, 'Acme', 'ACME', sha256('')::bytea);
    INSERT INTO users (account_id, id, email, name, account_role)
    VALUES ({ACCOUNT}, {ROW}, 'ada@example.com', 'Ada', 'viewer');
    INSERT INTO ai_sessions (account_id, id, user_id) VALUES ({ACCOUNT}, {ROW}, {ROW});
    INSERT INTO transcripts (account_id, id, user_id, name, sha256, size, source)
    VALUES ({ACCOUNT}, {ROW}, {ROW}, 'log.jsonl', repeat('0', 64), 0, 'rows');
"""
# As PostgreSQL itself asks for every row that comes in, whatever its values.
CHECK = """
    SET plan_cache_mode = force_generic_plan;
    PREPARE check_{table} (uuid, uuid) AS
    SELECT 1 FROM ONLY {table} AS x WHERE account_id = $1 AND id = $2 FOR KEY SHARE OF x
"""


@pytest.fixture(scope="module")
def fresh(addresses: Addresses) -> Iterator[Addresses]:
    with empty_database(addresses) as found:
        migrate(found)
        yield found


async def test_in_a_new_database_what_a_row_refers_to_is_found_by_its_key(fresh: Addresses) -> None:
    async with operator(fresh) as owner:
        await owner.execute(ROWS)
        for table in ("users", "ai_sessions", "transcripts"):
            await owner.execute(CHECK.format(table=table))
            lines = await owner.fetch(f"EXPLAIN EXECUTE check_{table} ({ACCOUNT}, {ROW})")
            plan = "\n".join(line for (line,) in lines)
            assert f"using pk_{table} on" in plan, plan
