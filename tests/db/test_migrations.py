"""Migrations: up, down and up; two at once; by any road an operator takes; under load."""

import asyncio
import contextlib
import secrets
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.addresses import Addresses, parse
from app.db.embedded import Embedded
from app.models import Model
from migrations.roles import ROLES
from tests import migrations_linted as plain_alembic
from tests.schema import described, shaped
from tests.server import FAST, administer, migrate, migrations_of, plain
from tests.serving import empty_database, operator

REVISIONS = [script.revision for script in ScriptDirectory(str(plain_alembic.ROOT / "migrations")).walk_revisions()][
    ::-1
]
PASSWORD = "p@ss'wörd %s/ﬁ"


@pytest.fixture
def empty(addresses: Addresses) -> Iterator[Addresses]:
    with empty_database(addresses) as found:
        yield found


def schema_of(addresses: Addresses) -> list[str]:
    async def run() -> list[str]:
        async with operator(addresses) as connection:
            return await described(connection)

    return asyncio.run(run())


def environment_of(addresses: Addresses) -> dict[str, str]:
    return {"DATABASE_URL": plain(addresses.application), "MIGRATION_DATABASE_URL": plain(addresses.owner)}


def without_versions(lines: list[str]) -> list[str]:
    return [line for line in lines if "alembic_version" not in line]


def test_every_revision_goes_up_down_and_up_again(empty: Addresses) -> None:
    config = migrations_of(empty)
    for revision in REVISIONS:
        before = schema_of(empty)
        command.upgrade(config, revision)
        after = schema_of(empty)
        command.downgrade(config, "-1")
        assert without_versions(schema_of(empty)) == without_versions(before)
        command.upgrade(config, revision)
        assert schema_of(empty) == after


def test_all_the_way_down_leaves_nothing(empty: Addresses) -> None:
    migrate(empty)
    whole = schema_of(empty)
    command.downgrade(migrations_of(empty), "base")
    assert without_versions(schema_of(empty)) == []
    migrate(empty)
    assert schema_of(empty) == whole


async def test_migrations_and_models_say_the_same_to_the_last_constraint(addresses: Addresses) -> None:
    """More than `alembic check` compares: check constraints, their names, index details, generated columns."""
    name = f"tally_models_{secrets.token_hex(4)}"
    async with operator(addresses) as owner:
        migrated = await shaped(owner)
        await owner.execute(f"CREATE DATABASE {name}")
        engine = create_async_engine(addresses.owner.set(database=name))
        try:
            async with engine.begin() as connection:
                await connection.run_sync(Model.metadata.create_all)
            async with operator(Addresses(addresses.application, addresses.owner.set(database=name))) as modelled:
                assert await shaped(modelled) == migrated
        finally:
            await engine.dispose()
            await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_alembic_check_finds_nothing_to_do(addresses: Addresses) -> None:
    assert plain_alembic.check(addresses) == ""


def test_two_that_migrate_one_database_at_once_both_succeed(empty: Addresses) -> None:
    with ThreadPoolExecutor() as threads:
        runs = [threads.submit(plain_alembic.alembic, "upgrade", "head", **environment_of(empty)) for _ in range(2)]
        assert [run.result().returncode for run in runs] == [0, 0], [run.result().stderr for run in runs]
    assert plain_alembic.check(empty) == ""


def test_a_migration_that_meets_a_lock_gives_way_to_requests_and_comes_back(empty: Addresses) -> None:
    migrate(empty, REVISIONS[0])

    async def hold() -> float:
        """A long transaction, and the longest anybody else waits for a table meanwhile."""
        async with operator(empty) as holder, operator(empty) as reader, holder.transaction():
            await holder.execute("LOCK TABLE users IN ACCESS SHARE MODE; LOCK TABLE accounts IN ROW EXCLUSIVE MODE")
            began, longest = time.monotonic(), 0.0
            while time.monotonic() - began < 2.5:
                asked = time.monotonic()
                await reader.execute("BEGIN; LOCK TABLE accounts IN ROW EXCLUSIVE MODE; COMMIT")
                longest = max(longest, time.monotonic() - asked)
                await asyncio.sleep(0.02)
            return longest

    with ThreadPoolExecutor() as threads:
        held = threads.submit(asyncio.run, hold())
        time.sleep(0.3)
        migrate(empty)
        assert 0.2 < held.result() < 2
    assert plain_alembic.check(empty) == ""


# As SQL


def test_the_offline_sql_carries_limits_and_roles_and_gives_the_same_schema(
    empty: Addresses, addresses: Addresses
) -> None:
    sql = plain_alembic.offline("upgrade", "head")
    for line in ("SET lock_timeout", "SET statement_timeout", "CREATE ROLE tally_app", "SET ROLE tally_owner"):
        assert line in sql
    assert "%%" not in sql
    administer(empty.owner, sql)
    assert schema_of(empty) == schema_of(addresses)
    administer(empty.owner, plain_alembic.offline("downgrade", "head:base"))
    assert without_versions(schema_of(empty)) == []


def test_the_offline_sql_passes_the_linter() -> None:
    assert plain_alembic.lint(plain_alembic.offline("upgrade", "head")) == ""


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(300);",
        "ALTER TABLE users DROP COLUMN name;",
        "ALTER TABLE users RENAME COLUMN name TO title;",
        "ALTER TABLE users ADD COLUMN extra integer NOT NULL;",
        "ALTER TABLE users ADD CONSTRAINT bad FOREIGN KEY (id) REFERENCES accounts (id);",
    ],
)
def test_the_linter_refuses_what_an_api_that_serves_would_trip_over(sql: str) -> None:
    assert "migrations.sql:" in plain_alembic.lint(sql)


# By any road


@pytest.fixture(scope="module")
def stranger() -> Iterator[tuple[URL, str]]:
    """A server that has never heard of Tally, over TCP with passwords: its superuser's URL, and its address."""
    address = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 1}"
    with tempfile.TemporaryDirectory(prefix="tally-") as data, tempfile.TemporaryDirectory(prefix="tally-") as folder:
        hba = Path(folder) / "pg_hba.conf"
        hba.write_text("local all all peer map=tally\nhost all all 127.0.0.0/8 scram-sha-256\n")
        Path(folder).chmod(0o755)
        options = {**FAST, "listen_addresses": address, "hba_file": str(hba)}
        with Embedded(Path(data), options=options) as server:
            yield parse(server.url("postgres", "postgres")), address


@pytest.fixture
def pilots(stranger: tuple[URL, str]) -> Iterator[list[Addresses]]:
    """Two databases of an operator who is no superuser; the roles are yet to be made."""
    superuser, address = stranger
    forget = ("DROP DATABASE IF EXISTS tally", "DROP ROLE IF EXISTS tally_app", "DROP ROLE IF EXISTS tally_owner")
    administer(superuser, *forget, "CREATE ROLE operator LOGIN CREATEROLE CREATEDB PASSWORD 'op'")
    names = ("pilot", "canary")
    administer(superuser, *(f"CREATE DATABASE {name} OWNER operator" for name in names))
    owner = URL.create("postgresql+asyncpg", "operator", "op", address, 5432)
    application = owner.set(username="tally_app", password=PASSWORD)
    yield [Addresses(application.set(database=name), owner.set(database=name)) for name in names]
    administer(superuser, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names))
    administer(superuser, *forget, "DROP ROLE operator")


def signs_in(url: URL) -> bool:
    async def run() -> bool:
        with contextlib.suppress(asyncpg.InvalidPasswordError):
            connection = await asyncpg.connect(plain(url))
            await connection.close()
            return True
        return False

    return asyncio.run(run())


def test_an_operator_who_is_no_superuser_migrates_with_plain_alembic(pilots: list[Addresses]) -> None:
    pilot = pilots[0]
    result = plain_alembic.alembic("upgrade", "head", **environment_of(pilot))
    assert (result.returncode, result.stderr.count("Traceback")) == (0, 0), result.stderr
    assert plain_alembic.alembic("check", **environment_of(pilot)).returncode == 0
    assert signs_in(pilot.application)
    assert not signs_in(pilot.application.set(password="another"))


def test_two_databases_of_one_server_may_be_migrated_at_once(pilots: list[Addresses]) -> None:
    """Roles belong to the server: whoever comes second to make them waits, and finds them made."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'operator'"

    async def first() -> None:
        async with operator(pilots[0]) as watcher, operator(pilots[0]) as connection, connection.transaction():
            await connection.execute(ROLES)
            second = asyncio.create_task(asyncio.to_thread(migrate, pilots[1]))
            while not (second.done() or await watcher.fetchval(blocked)):
                await asyncio.sleep(0.01)
        await second

    asyncio.run(first())
    assert plain_alembic.check(pilots[1]) == ""


def test_the_offline_sql_makes_the_roles_for_an_operator_who_is_no_superuser(pilots: list[Addresses]) -> None:
    administer(pilots[0].owner, plain_alembic.offline("upgrade", "head"))
    assert plain_alembic.check(pilots[0]) == ""


def test_a_role_without_the_right_is_told_what_it_lacks(pilots: list[Addresses], stranger: tuple[URL, str]) -> None:
    administer(stranger[0], "ALTER ROLE operator NOCREATEROLE")
    result = plain_alembic.alembic("upgrade", "head", **environment_of(pilots[0]))
    assert result.returncode != 0
    assert "CREATEROLE" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_plain_alembic_without_a_url_migrates_the_embedded_server() -> None:
    with tempfile.TemporaryDirectory(prefix="tally-") as data:
        result = plain_alembic.alembic("upgrade", "head", TALLY_DATA_DIR=data)
        assert result.returncode == 0, result.stderr
        assert plain_alembic.alembic("check", TALLY_DATA_DIR=data).returncode == 0


def test_plain_alembic_says_in_a_sentence_what_is_wrong_with_a_url() -> None:
    result = plain_alembic.alembic("upgrade", "head", DATABASE_URL="mysql://localhost/tally")
    assert result.returncode != 0
    assert "is no PostgreSQL URL" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr
