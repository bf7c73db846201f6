"""Commands that tests fork are those that the script starts: the same code, output and errors."""

import pytest

from tests.cli.forked import forked
from tests.cli.terminal import Ended, Terminal


@pytest.mark.parametrize(
    "command", ["--help", "account create --help", "account create", "up --port 70000", "account list", "doctor --json"]
)
def test_a_forked_command_says_what_the_script_says(terminal: Terminal, command: str) -> None:
    found = forked(command.split(), terminal.folder, terminal.environment)
    assert found is not None
    assert Ended(*found) == terminal.scripted(*command.split())


def test_a_forked_command_sees_its_own_folder_and_environment_and_no_other_s(terminal: Terminal) -> None:
    def said(**environment: str) -> str:
        found = forked(["account", "list"], terminal.folder, {**terminal.environment, **environment})
        assert found is not None
        return Ended(*found).sentence

    assert "TALLY_PORT" in said(TALLY_PORT="70000")
    assert "no database" in said()
    (terminal.folder / ".env").write_text("TALLY_PORT=70000\n")
    assert "TALLY_PORT" in said()
