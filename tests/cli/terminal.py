"""A terminal to try the command line in: real processes, an environment of their own, one data directory."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil

from tests.cli.forked import forked, inherited

TALLY = Path(sys.executable).parent / "tally"
PATIENCE_S = 180
# Commands whose script was seen to start here: such may be forked.
STARTED: set[tuple[str, ...]] = set()


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one line of a failure; anything else on stderr, a traceback above all, fails the test."""
        assert self.code == 1, f"{self.code}: {self.out}{self.err}"
        assert self.err.startswith("tally: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("tally: ").strip()


@dataclass(frozen=True)
class Terminal:
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def with_(self, **environment: str) -> "Terminal":
        return Terminal(self.folder, {**self.environment, **environment})

    @property
    def _environment(self) -> dict[str, str]:
        return inherited() | dict(self.environment)

    def tally(self, *arguments: object) -> Ended:
        """By its script; once that came further than to what it was told, forked from what has all modules already."""
        words = [str(argument) for argument in arguments]
        command = tuple(word for word in takewhile(str.isalpha, words) if word.islower())
        if command in STARTED and not any(name.startswith("PYTHON") for name in self.environment):
            ended = forked(words, self.folder, self._environment)
            if ended is not None:
                return Ended(*ended)
        scripted = self.scripted(*words)
        if "--help" not in words and scripted.code in (0, 1):
            STARTED.add(command)
        return scripted

    def scripted(self, *words: str) -> Ended:
        done = subprocess.run(
            [str(TALLY), *words], cwd=self.folder, env=self._environment, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def report(self, *arguments: object) -> Any:
        ended = self.tally(*arguments, "--json")
        assert ended.code == 0, ended.err
        return ended.json

    @contextmanager
    def running(self, *arguments: object) -> Iterator["Running"]:
        """A command that stays, ended at the latest when the test is."""
        out, err = self.folder / "out", self.folder / "err"
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [TALLY, *map(str, arguments)], cwd=self.folder, env=self._environment, stdout=stdout, stderr=stderr
            )
        try:
            yield Running(process, out, err)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait(PATIENCE_S)


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[bytes]
    out_file: Path
    err_file: Path

    @property
    def out(self) -> str:
        return self.out_file.read_text()

    @property
    def err(self) -> str:
        return self.err_file.read_text()

    def wait_for(self, text: str) -> str:
        """The whole output once it holds `text`."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.out + self.err:
            assert self.process.poll() is None, self.err
            assert time.monotonic() < deadline, self.out + self.err
            time.sleep(0.02)
        return self.out

    def family(self) -> list[psutil.Process]:
        """The command and everything it started."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all ended; a server closing its files is given a moment, on a busy machine a long one."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_S)
    return not alive
