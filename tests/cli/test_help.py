"""`--help` teaches: what a command does, and an example to copy."""

import re

import pytest

from app.cli import cli
from tests.cli.terminal import Terminal

COMMANDS = sorted(
    [str(command.name) for command in cli.registered_commands]
    + [
        f"{group.name} {command.name}"
        for group in cli.registered_groups
        if group.typer_instance
        for command in group.typer_instance.registered_commands
    ]
)


def test_the_commands_are_found() -> None:
    assert {"up", "serve", "worker", "migrate", "doctor", "token", "account create", "key revoke"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(terminal: Terminal, command: str) -> None:
    ended = terminal.tally(*command.split(), "--help")
    assert ended.code == 0
    assert re.search(rf"Example: .*tally {command}", ended.out), ended.out


def test_help_imports_no_database(terminal: Terminal) -> None:
    """What makes it answer at once; a clock would fail on a busy machine."""
    ended = terminal.with_(PYTHONPROFILEIMPORTTIME="1").tally("--help")
    assert ended.code == 0
    loaded = {line.rpartition("|")[2].strip() for line in ended.err.splitlines()}
    assert "app.cli" in loaded
    assert not loaded & {"sqlalchemy", "asyncpg", "alembic", "fastapi", "uvicorn", "jwt", "httpx"}
