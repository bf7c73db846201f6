"""Where a processor's code runs: ours in a thread, another package's in a process of its own with a deadline.

A thread cannot be ended, and one that holds Python's lock stops everybody; a process can be killed whatever it does.
"""

import asyncio
import os
import pickle
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from app.facts.workspaces import labeller
from app.transcripts.processors.contract import Context, Lines, Processor
from app.transcripts.processors.installed import is_ours
from app.transcripts.reading.frames import Frame, receive

# Over a portion; and to start, which is mostly reading the package.
PATIENCE_S = 60.0
START_S = 60.0


class Fault(Exception):
    """What a processor did wrong, in a sentence that holds nothing of the log."""


@dataclass
class Hand:
    """One processor at work for one pass; `end()` it."""

    processor: Processor
    # The account's rule for naming working directories, and its salt.
    rule: tuple[Any, bytes]
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @classmethod
    def of(cls, processor: Processor, account: Mapping[str, Any]) -> "Hand":
        return cls(processor, (account["workspace_labels"], account["workspace_salt"]))

    async def process(self, lines: Lines, known: Mapping[str, Any]) -> object:
        """What the processor makes of a portion. Raises Fault."""
        if not is_ours(self.processor):
            return await self._elsewhere(lines, known)
        context = Context(**known, label=labeller(*self.rule))
        try:
            return await asyncio.to_thread(self.processor.process, lines, context)
        except Exception as error:
            raise Fault(f"It raised {type(error).__name__}.") from error

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _elsewhere(self, lines: Lines, known: Mapping[str, Any]) -> object:
        process = self._process = self._process or await self._started()
        asked = Frame({}, pickle.dumps((lines, {**known, "label": self.rule})))
        answer = await self._within(PATIENCE_S, exchanged(process, asked), "over a portion")
        if answer.head["raised"] is not None:
            raise Fault(f"It raised {answer.head['raised']}.")
        try:
            return pickle.loads(answer.body)  # noqa: S301 - of a package that the operator installed
        except Exception as error:
            raise Fault("What it returned cannot be read.") from error

    async def _started(self) -> asyncio.subprocess.Process:
        """In a session of its own: Ctrl-C is ours to answer."""
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.transcripts.processors", self.processor.name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        ready = await self._within(START_S, answered(process), "to start")
        if not ready.head["ready"]:
            await self.end()
            raise Fault("It is not installed as it was any more: start the worker again.")
        return process

    async def _within(self, seconds: float, work: Any, what: str) -> Frame:
        """Its answer; late, or without one, its process is ended, and the next portion gets a new one."""
        try:
            found: Frame | None = await asyncio.wait_for(work, seconds)
        except TimeoutError:
            await self.end()
            raise Fault(f"It took longer than {seconds:g} s {what}, so its process was ended.") from None
        if found is None:
            await self.end()
            raise Fault("Its process ended in the middle.")
        return found


async def exchanged(process: asyncio.subprocess.Process, asked: Frame) -> Frame | None:
    assert process.stdin is not None  # noqa: S101
    with suppress(ConnectionError):
        process.stdin.write(asked.packed())
        await process.stdin.drain()
    return await answered(process)


async def answered(process: asyncio.subprocess.Process) -> Frame | None:
    assert process.stdout is not None  # noqa: S101
    return await receive(process.stdout)
