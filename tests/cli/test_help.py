"""`--help` teaches: what a command does, and an example to copy."""

import re

import pytest

from tests.cli.terminal import Terminal

COMMANDS = [
    "up", "serve", "worker", "migrate", "doctor", "demo", "token", "account create", "account list",
    "user add", "user role", "user deactivate", "key create", "key revoke",
]  # fmt: skip


def listed(terminal: Terminal, *group: str) -> set[str]:
    _, _, below = terminal.tally(*group, "--help").out.partition("Commands:\n")
    return {" ".join((*group, name)) for name in re.findall(r"^  ([a-z]+)  ", below, re.MULTILINE)}


def test_every_command_is_known_here(terminal: Terminal) -> None:
    groups = {"account", "user", "key"}
    found = listed(terminal) - groups
    for group in groups:
        found |= listed(terminal, group)
    assert found == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(terminal: Terminal, command: str) -> None:
    ended = terminal.tally(*command.split(), "--help")
    assert ended.code == 0
    assert re.search(rf"Example: .*tally {command}", ended.out), ended.out
    assert "..." not in ended.out


def test_help_imports_no_database(terminal: Terminal) -> None:
    """What makes it answer at once; a clock would fail on a busy machine."""
    ended = terminal.with_(PYTHONPROFILEIMPORTTIME="1").tally("--help")
    assert ended.code == 0
    loaded = {line.rpartition("|")[2].strip() for line in ended.err.splitlines()}
    assert "app.cli" in loaded
    assert not loaded & {"sqlalchemy", "asyncpg", "alembic", "fastapi", "uvicorn", "jwt", "httpx"}
