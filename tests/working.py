"""A worker as a process, with a job that tells when it was at work: python -m tests.working DATABASE_URL FILE WAY."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.db.addresses import Addresses, parse
from app.db.engine import Database
from app.settings import Settings
from app.worker import Job, Pace, Worker
from tests.process import ROOT

PATIENCE_S = 180.0
# The name of the job, how long it takes, how often it is due, how long a lease lasts.
Way = tuple[str, float, float, float]


@dataclass(frozen=True)
class Shift:
    """From when to when a process was at it; by one clock, which all processes of a machine share."""

    account: UUID
    process: int
    began: float
    ended: float


def at_work(notebook: Path, takes_s: float) -> Job:
    """Appends a line when it begins and one when it ends: what it was killed in has no end."""

    async def run(_database: Database, account: UUID) -> int:
        note(notebook, "began", account)
        # Not in step: of two whose looks keep their distance, one would always come too late.
        await asyncio.sleep(takes_s * random.uniform(0.5, 1.5))
        note(notebook, "ended", account)
        return 1

    return Job("at_work", 0.0, run)


def note(notebook: Path, what: str, account: UUID) -> None:
    with notebook.open("a") as file:
        file.write(f"{what} {account} {os.getpid()} {time.monotonic()}\n")


def shifts(notebook: Path) -> list[Shift]:
    """Those that ended, and with an open end those that did not."""
    found: list[Shift] = []
    for line in notebook.read_text().splitlines() if notebook.exists() else []:
        what, account, process, at = line.split()
        if what == "began":
            found.append(Shift(UUID(account), int(process), float(at), float("inf")))
            continue
        place = max(i for i, s in enumerate(found) if (str(s.account), s.process) == (account, int(process)))
        found[place] = Shift(UUID(account), int(process), found[place].began, float(at))
    return found


def log_of(notebook: Path) -> Path:
    """What the workers of this notebook say."""
    return notebook.with_suffix(".log")


@contextmanager
def worker(addresses: Addresses, notebook: Path, way: Way) -> Iterator[subprocess.Popen[bytes]]:
    url = addresses.application.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.working", url, str(notebook), *map(str, way)]
    with log_of(notebook).open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)


async def until_begun(notebook: Path, process: subprocess.Popen[bytes]) -> Shift:
    """The first work of that process."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for shift in shifts(notebook):
            if shift.process == process.pid:
                return shift
        await asyncio.sleep(0.02)
    raise AssertionError(f"{process.pid} did nothing: {process.poll()}; {log_of(notebook).read_text()}")


async def main(url: str, notebook: Path, way: Way) -> None:
    name, takes_s, every_s, lease_s = way
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    job = Job(name, every_s, at_work(notebook, takes_s).run)
    database = Database(parse(url), Settings(_env_file=None))
    pace = Pace(tick_s=0.1, lease_s=lease_s, grace_s=0.5)
    await Worker(database, notebook.with_suffix(f".{os.getpid()}"), [job], pace).run(stop)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), (sys.argv[3], *map(float, sys.argv[4:7]))))  # type: ignore[arg-type]
