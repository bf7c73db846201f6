"""Logs read on every core, by processes that hold nothing but what they read at the moment."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from app.transcripts.reading.frames import Frame, receive

MOST = 8
# What a process is given ahead, so that it never waits.
AHEAD_FILES, AHEAD_BYTES = 256, 16 * 2**20
# Another process is worth its start only for so much.
WORTH = 4 * 2**20
BUFFER = 2**18


@dataclass(frozen=True)
class Job:
    """A file to be read. `asked`: what the reader is told of it, with what was carried over as the frame's body."""

    number: int
    size: int
    asked: Callable[[], Frame]


Taken = Callable[[int, Frame], Awaitable[None]]


@dataclass
class Readers:
    """Hands out jobs and passes on what comes back: `taken(reader, frame)`."""

    told: dict[str, Any]
    jobs: deque[Job]
    taken: Taken
    # Jobs of a process that died, of which one was the reason: each is tried by itself.
    _doubtful: set[int] = field(default_factory=set)
    _started: int = 0

    async def run(self) -> None:
        size = sum(job.size for job in self.jobs)
        number = min(cores(), MOST, len(self.jobs), 1 + size // WORTH)
        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(self._lane())

    async def _lane(self) -> None:
        while self.jobs:
            self._started += 1
            own, process = self._started, await start()
            try:
                left = await self._drive(own, process)
                if left:
                    await self._died(own, process, left)
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _drive(self, own: int, process: asyncio.subprocess.Process) -> Sequence[Job]:
        """The jobs that the process owes when it ends."""
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        process.stdin.write(Frame(self.told).packed())
        given: dict[int, Job] = {}
        while True:
            for job in self._more(given):
                given[job.number] = job
                process.stdin.write(job.asked().packed())
            if not given:
                return ()
            frame = await receive(process.stdout)
            if frame is None:
                return list(given.values())
            if frame.head["is"] == "file":
                del given[frame.head["file"]]
            await self.taken(own, frame)

    def _more(self, given: dict[int, Job]) -> list[Job]:
        ahead, more = sum(job.size for job in given.values()), list[Job]()
        while self.jobs and not (given.keys() & self._doubtful):
            job, count = self.jobs[0], len(given) + len(more)
            full = count >= 2 and (count >= AHEAD_FILES or ahead >= AHEAD_BYTES)
            if full or (job.number in self._doubtful and count):
                break
            more.append(self.jobs.popleft())
            ahead += job.size
            if job.number in self._doubtful:
                break
        return more

    async def _died(self, own: int, process: asyncio.subprocess.Process, left: Sequence[Job]) -> None:
        """One of what it had was too much for it: which one shows when each is tried alone."""
        assert process.stderr is not None  # noqa: S101
        said = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
        code = await process.wait()
        if len(left) == 1:
            why = f"Reading it failed ({said[-1] if said else f'the reader ended with {code}'})."
            failed = {"is": "file", "file": left[0].number, "outcome": "failed", "why": why}
            await self.taken(own, Frame(failed))
            return
        self._doubtful |= {job.number for job in left}
        self.jobs.extend(left)


async def start() -> asyncio.subprocess.Process:
    """In a session of its own: Ctrl-C is ours to answer, and it ends when we do, for want of somebody to talk to."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.transcripts.reading",
        stdin=pipe, stdout=pipe, stderr=pipe, limit=BUFFER, start_new_session=True,
    )  # fmt: skip


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
