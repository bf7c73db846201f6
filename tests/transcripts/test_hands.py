"""Another package's processor hangs, dies, prints: its process goes, and nobody else notices."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from tests.transcripts.conftest import Install
from tests.transcripts.library import Library
from tests.transcripts.test_processors import LOG, WORDS

# Holds Python's lock as it does, so that a thread of ours would stop everybody.
HANGS = "__import__('re').match('(a+)+$', 'a' * 40 + 'b')"


def own_children() -> list[str]:
    """Processes of processors that are still there."""
    running = [child.cmdline() for child in psutil.Process().children() if child.is_running()]
    return [command[-1] for command in running if "app.transcripts.processors" in command]


async def test_one_that_hangs_is_left_behind(
    library: Library, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.transcripts.hands.PATIENCE_S", 2.0)
    install(WORDS.replace("raise ValueError(lines.content.decode())", HANGS), "w = module:Words")
    await library.upload("b", LOG.replace(b"hello", b"poison"))
    await library.upload("c", LOG)
    hanging = asyncio.create_task(library.process("words"))
    assert (await library.process("usage"))["processed"] == 2
    assert not hanging.done(), "others go on meanwhile"
    details = await hanging
    assert (details["errors"], details["processed"]) == (1, 1)
    assert details["errors_detail"][0]["detail"] == "It took longer than 2 s over a portion, so its process was ended."
    assert own_children() == []


async def test_one_that_hangs_holds_up_no_end(library: Library, install: Install) -> None:
    """The worker is told to stop: it cancels its passes."""
    install(WORDS.replace("raise ValueError(lines.content.decode())", HANGS), "w = module:Words")
    await library.upload("b", LOG.replace(b"hello", b"poison"))
    hanging = asyncio.create_task(library.process("words"))
    while not own_children():
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    began = time.monotonic()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert time.monotonic() - began < 1
    assert own_children() == []
    (log,) = await library.listed()
    assert log["processors"][2]["state"] == "waiting"


@pytest.mark.parametrize("ends", ["__import__('os')._exit(3)", "__import__('os').kill(__import__('os').getpid(), 9)"])
async def test_one_whose_process_dies_is_one_that_failed(library: Library, install: Install, ends: str) -> None:
    install(WORDS.replace("raise ValueError(lines.content.decode())", ends), "w = module:Words")
    await library.upload("b", LOG.replace(b"hello", b"poison"))
    await library.upload("c", LOG)
    details = await library.process("words")
    assert (details["errors"], details["processed"]) == (1, 1)
    assert details["errors_detail"][0]["detail"] == "Its process ended in the middle."


async def test_what_one_prints_goes_where_logs_go(library: Library, install: Install) -> None:
    install(WORDS.replace("raise ValueError(lines.content.decode())", "print('hello')"), "w = module:Words")
    await library.upload("b", LOG.replace(b"hello", b"poison"))
    assert (await library.process("words"))["processed"] == 1


async def test_it_goes_with_who_started_it_whatever_it_is_at(install: Install, tmp_path: Path) -> None:
    """Also where nobody had the time to end it."""
    install(WORDS.replace("raise ValueError(lines.content.decode())", HANGS), "w = module:Words")
    started = """
        import asyncio
        from app.transcripts.hands import Hand
        from app.transcripts.processors.contract import Lines
        from app.transcripts.processors.installed import processors
        known = dict.fromkeys(("account_id", "user_id", "transcript_id", "form", "stem", "carried"))
        work = Hand(processors()["words"], ("hashed", b"")).process(Lines(b"poison", 0, True), known)
        asyncio.run(work)
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", dedent(started), env=environment)
    family: list[psutil.Process] = []
    while not family:
        await asyncio.sleep(0.05)
        family = psutil.Process(parent.pid).children()
    await asyncio.sleep(2)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    assert not psutil.wait_procs(family, timeout=5)[1]
