"""Start the server so that it cannot outlive us, whatever kills us."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from app.db.embedded.account import Account, environment

# Why a launcher and not preexec_fn: that one runs Python between fork and exec in a process with other
# threads (a held lock never comes free; Python 3.12 warns). This one starts clean and becomes the server by
# exec, so the pid stays. It changes the user itself, because that user may not reach our interpreter, and
# asks for the signal afterwards, because changing the user cancels it. A parent that died before is noticed.
LAUNCHER: Final = """
import ctypes, os, signal, sys
parent, uid, gid, *command = sys.argv[1:]
if uid:
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
signal.signal(signal.SIGINT, signal.SIG_DFL)
PR_SET_PDEATHSIG = 1
if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT.value):
    sys.exit("FATAL:  prctl was refused")
if os.getppid() != int(parent):
    sys.exit("FATAL:  the parent is gone")
os.execv(command[0], command)
"""

# Where the kernel has no such signal, a shell waits on a pipe that only we hold open. A line means that the
# server is gone and its pid may be another's; the end without a line means that we are.
WATCHED: Final = """
exec 3<&0 </dev/null
{ read -r over <&3 || kill -INT $$; } &
exec 3<&-
exec "$@"
"""


class Child:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], leash: int | None = None) -> None:
        self._process = process
        self._leash = leash

    @property
    def pid(self) -> int:
        """Of the postmaster itself."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has exited."""
        return self._process.poll() is not None

    def send(self, request: signal.Signals) -> None:
        """Signal it, unless it has ended."""
        self._process.send_signal(request)

    def wait(self) -> None:
        """Wait for its end."""
        self._process.wait()
        if self._leash is not None:
            with suppress(BrokenPipeError):
                os.write(self._leash, b"over\n")
            os.close(self._leash)
            self._leash = None


def by_signal(command: Sequence[str], account: Account, log: int) -> Child:
    """Linux: the kernel sends SIGINT to the server when the thread that called this ends."""
    who = [str(account.uid), str(account.gid)] if account.foreign else ["", ""]
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), *who, *command]
    process = subprocess.Popen(
        launcher, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        cwd="/", env=environment(), umask=0o077, start_new_session=True,
    )  # fmt: skip
    return Child(process)


def by_pipe(command: Sequence[str], account: Account, log: int) -> Child:
    """Elsewhere: a watching shell sends SIGINT to the server when this process ends."""
    watched, leash = os.pipe()
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", *command], stdin=watched, stdout=log, stderr=log,
            cwd="/", env=environment(), umask=0o077, start_new_session=True, **account.identity,
        )  # fmt: skip
    except OSError:
        os.close(leash)
        raise
    finally:
        os.close(watched)
    return Child(process, leash)


Launch = Callable[[Sequence[str], Account, int], Child]
STRATEGY: Launch = by_signal if sys.platform == "linux" else by_pipe
