"""What `postmaster.pid` says, and whether to believe it: its pid may be dead, a stranger's, or missing."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.db.embedded.account import Account
from app.db.embedded.errors import EmbeddedError

PATIENCE: Final = 30.0  # for a fast shutdown, before it becomes an immediate one
STEP: Final = 0.01
SOCKET_LINE: Final = 4
STATUS_LINE: Final = 7


@dataclass(frozen=True)
class Postmaster:
    """The lines of `postmaster.pid` that matter to us."""

    pid: int
    socket_dir: Path | None
    status: str

    def answers(self) -> bool:
        """Whether somebody listens on the socket that the file names."""
        if self.status != "ready" or self.socket_dir is None:
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_dir / ".s.PGSQL.5432"))
            except OSError:
                return False
        return True


def read(cluster: Path) -> Postmaster | None:
    """The file as far as it makes sense: None when it is absent, empty or rubbish."""
    try:
        lines = (cluster / "postmaster.pid").read_text("utf-8", "replace").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
        return None
    if pid <= 0:
        return None
    place = lines[SOCKET_LINE].strip() if len(lines) > SOCKET_LINE else ""
    status = lines[STATUS_LINE].strip() if len(lines) > STATUS_LINE else ""
    return Postmaster(pid, Path(place) if place else None, status)


def clear(cluster: Path, socket_dir: Path, account: Account) -> None:
    """Make way for a new server. The caller holds the lock and runs none, so what still runs is an orphan."""
    path = cluster / "postmaster.pid"
    found = read(cluster)
    if found is None:
        path.unlink(missing_ok=True)  # PostgreSQL refuses an empty or odd file for ever
    elif runs_here(found.pid, cluster):
        end(found.pid, cluster)
    if found is not None and path.exists() and _alive(found.pid):
        # A stranger has the pid now, or it is dead and nobody has buried it yet. PostgreSQL takes its parent's pid for
        # a stale one, so it gets ours: the rest of the file stays, by which it looks for backends that survived.
        rest = path.read_text("utf-8", "replace").split("\n", 1)[1:]
        account.write(path, "\n".join([str(os.getpid()), *rest]))
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (socket_dir / name).unlink(missing_ok=True)


def end(pid: int, cluster: Path) -> None:
    """Ask an orphaned server of this cluster to stop, and wait until it has."""
    for request, patience in ((signal.SIGINT, PATIENCE), (signal.SIGQUIT, PATIENCE)):
        deadline = time.monotonic() + patience
        with suppress(ProcessLookupError):
            os.kill(pid, request)
        while time.monotonic() < deadline:
            if not runs_here(pid, cluster):
                return
            time.sleep(STEP)
    raise EmbeddedError(f"An earlier PostgreSQL of {cluster} (pid {pid}) does not stop: end that process.")


def end_backends(cluster: Path) -> None:
    """End backends that outlived their postmaster, as its own hint says; nobody awaits their answers."""
    for pid in _processes():
        if runs_here(pid, cluster):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)


def runs_here(pid: int, cluster: Path) -> bool:
    """Whether this live process is a PostgreSQL of this cluster: never true for a stranger or a zombie."""
    if sys.platform != "linux":
        return _runs_here_by_ps(pid, cluster)
    process = Path("/proc", str(pid))
    try:
        program = process.joinpath("exe").readlink().name
        return program.startswith("postgres") and process.joinpath("cwd").samefile(cluster)
    except OSError:  # gone, a zombie, or another user's
        return False


def _runs_here_by_ps(pid: int, cluster: Path) -> bool:
    seen = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return "postgres" in seen and f"-D {cluster} " in seen


def _processes() -> Iterator[int]:
    with suppress(FileNotFoundError):  # without /proc they are only waited for
        yield from (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
