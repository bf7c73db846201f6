"""`python -m tests.migrations_linted`: the migrations as offline SQL, linted, run and compared with the models."""

import os
import subprocess
import sys
from pathlib import Path

from alembic import command
from alembic.util import CommandError

from app.db.addresses import Addresses
from tests.server import administer, migrations_of, running

ROOT = Path(__file__).parent.parent
# Rules we do not follow, and why. What stays on is what R13 needs: no column that is read changes its type or goes.
EXCLUDED = (
    "prefer-text-field",  # every text column has a limit, so that none can hold content (T3); limits never change
    "prefer-bigint-over-int",  # what one message or one session counts fits an integer; sums are bigint
    "prefer-robust-stmts",  # each revision is one transaction: it cannot fail part way
)


def alembic(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The plain command, as an operator types it, with no other database settings than these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "MIGRATION_"))}
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def offline(*arguments: str) -> str:
    """The SQL alembic prints; it needs no database."""
    result = alembic(*arguments, "--sql")
    if result.returncode:
        raise SystemExit(result.stderr)
    return result.stdout


def lint(sql: str) -> str:
    """What squawk finds; nothing is good."""
    squawk = Path(sys.executable).parent / "squawk"
    excluded = [part for rule in EXCLUDED for part in ("--exclude", rule)]
    arguments = [
        str(squawk),
        "--reporter",
        "gcc",
        "--pg-version",
        "18.0",
        *excluded,
        "--stdin-filepath",
        "migrations.sql",
    ]
    result = subprocess.run(arguments, input=sql, capture_output=True, text=True, check=False, timeout=60)
    return result.stdout + result.stderr if result.returncode else ""


def check(addresses: Addresses) -> str:
    """What `alembic check` would still change."""
    try:
        command.check(migrations_of(addresses))
    except CommandError as found:
        return str(found)
    return ""


def main() -> None:
    sql = offline("upgrade", "head")
    findings = lint(sql)
    with running() as addresses:
        administer(addresses.owner, sql)
        findings += check(addresses)
    sys.exit(findings or None)


if __name__ == "__main__":
    main()
