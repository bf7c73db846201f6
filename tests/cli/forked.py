"""Commands forked from a process that has imported all of Tally: most of what a short command takes are its imports.

python -m tests.cli.forked: each line that it is given is a command, run in a process of its own; what is answered is
its exit code. Nothing else tells such a process from one that the script started.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from threading import Lock

import app
from app.cli import main
from tests.process import ROOT

# What a developer's own shell says besides must not reach a command.
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")


def inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ}


class Forks:
    def __init__(self) -> None:
        self.free = Lock()
        command, pipe = [sys.executable, "-m", "tests.cli.forked"], subprocess.PIPE
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=inherited(), stdin=pipe, stdout=pipe, text=True, start_new_session=True
        )
        atexit.register(self.end)

    def run(self, words: list[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            order = {"words": words, "folder": str(folder), "environment": dict(environment)}
            self._process.stdin.write(json.dumps({**order, "out": out.name, "err": err.name}) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            return code, out.read().decode(), err.read().decode()

    def end(self) -> None:
        """With the command that it runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        atexit.unregister(self.end)


@cache
def forks() -> Forks:
    return Forks()


def forked(words: list[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str] | None:
    """Exit code, output, errors; nothing where another command is at it."""
    found = forks()
    if not found.free.acquire(blocking=False):
        return None
    try:
        return found.run(words, folder, environment)
    except BaseException:
        # The test was given up, as when it took too long, and its command still runs.
        found.end()
        forks.cache_clear()
        raise
    finally:
        found.free.release()


def obey() -> None:
    for module in walk_packages(app.__path__, "app."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(**json.loads(line))
            main()
            sys.exit()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def become(words: list[str], folder: str, environment: Mapping[str, str], out: str, err: str) -> None:
    """What a process is given when it starts."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    # How it is called in what it says.
    sys.argv, sys.modules["__main__"].__package__ = ["tally", *words], None
    for number, (path, how) in enumerate(((os.devnull, os.O_RDONLY), (out, os.O_WRONLY), (err, os.O_WRONLY))):
        handle = os.open(path, how)
        os.dup2(handle, number)
        os.close(handle)


if __name__ == "__main__":
    obey()
