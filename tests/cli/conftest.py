"""One embedded server for all commands, kept up by a `tally up` like a person's."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Running, Terminal
from tests.server import reachable


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Nothing running, nothing configured."""
    return Terminal(tmp_path, {"TALLY_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture(scope="session")
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Running]:
    """A running `tally up`, with its demo account."""
    folder = reachable(tmp_path_factory.mktemp("up"))
    terminal = Terminal(folder, {"TALLY_DATA_DIR": str(folder / "data")})
    with terminal.running("up", "--port", port) as running:
        running.wait_for("Ctrl-C stops everything")
        yield running
        running.end()


@pytest.fixture(scope="session")
def beside(up: Running, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A second terminal, on the data directory of the running `tally up`."""
    return Terminal(reachable(tmp_path_factory.mktemp("beside")), {"TALLY_DATA_DIR": str(up.out_file.parent / "data")})


@pytest.fixture(scope="session")
def socket_dir(beside: Terminal) -> str:
    """Where the running server listens, for the URLs a person would write."""
    lines = (Path(beside.environment["TALLY_DATA_DIR"]) / "postgres" / "postmaster.pid").read_text().splitlines()
    return lines[4]
