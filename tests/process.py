"""Tally as an operator runs it: a process of its own, its port, its log, its end."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.db.addresses import Addresses

ROOT = Path(__file__).parent.parent
PATIENCE = 120.0
# What a developer's own shell may say must not reach the process.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def wait(self) -> int:
        return self.process.wait(timeout=PATIENCE)


@contextmanager
def tally(folder: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    """`tally <arguments> --port <TALLY_PORT, else a free one>`, answering."""
    port, log = int(environment.get("TALLY_PORT", 0)) or free_port(), folder / "tally.log"
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    command = [sys.executable, "-m", "app.cli", *arguments, "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    running = Running(process, f"http://127.0.0.1:{port}", log)
    try:
        wait_until_it_answers(running)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_until_it_answers(running: Running) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            httpx.get(f"{running.url}/health/live")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(running.log.read_text())


def serving(addresses: Addresses, secret: str, **more: str) -> dict[str, str]:
    """The environment of `tally serve` on the database under test."""
    return {
        "DATABASE_URL": addresses.application.render_as_string(hide_password=False),
        "TALLY_JWT_SECRET": secret,
        **more,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
