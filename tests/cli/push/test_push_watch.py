"""--watch: what live sessions write is at the server soon after, until it is told to stop."""

import asyncio
import json
import signal
import time

import psutil
import pytest

from app.cli.push.watch import PAUSE_S
from tests.cli.push.machine import Machine, many, session
from tests.cli.terminal import Running
from tests.process import free_port
from tests.transcripts.library import Library


async def until(machine: Machine, calls: list[int]) -> None:
    deadline = time.monotonic() + 40
    while (found := sorted(row["calls"] for row in (await machine.totals()).values())) != calls:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


async def until_said(running: Running, rounds: int) -> None:
    """What has arrived is not yet what has ended."""
    deadline = time.monotonic() + 40
    while running.err.count(" of them new") < rounds:
        assert time.monotonic() < deadline, running.err
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_live_sessions_are_followed_until_told_to_stop(machine: Machine, number: int) -> None:
    logs = many(machine.home / "logs", 1)
    (logs / "gone.jsonl").symlink_to(logs / "nowhere")
    whole = session(1, 30)
    with machine.pushing(logs, "--watch") as running:
        await until(machine, [4])
        log = logs / "live.jsonl"
        log.write_bytes(whole[:2000])
        await until(machine, [4, whole[:2000].count(b"\n")])
        with log.open("ab") as file:
            file.write(whole[2000:])
        await until(machine, [4, 30])
        assert "pid" in machine.push(logs).sentence
        family = running.family()
        (logs / "gone.jsonl").unlink()
        (logs / "later.jsonl").write_bytes(session(2, 9))
        await until(machine, [4, 9, 30])
        await until_said(running, 4)  # another round was begun and ended without what is gone
        assert running.err.count("gone.jsonl") == 1
        assert running.end(number) == 0, running.err
        assert "Traceback" not in running.err
        assert "3 found in the end; " in running.out
        assert "unchanged" not in running.out.splitlines()[0]
    assert not psutil.wait_procs(family, timeout=20)[1]
    assert machine.pushed(logs)["rows"]["read"] == 0


async def test_raw_logs_are_followed_and_sent_when_they_change_alone(machine: Machine, library: Library) -> None:
    logs = many(machine.home / "logs", 2)
    with machine.pushing(logs, "--watch", "--raw", "--json") as running:
        running.wait_for("2 files")
        rounds = 2 * PAUSE_S + 1
        await asyncio.sleep(rounds)
        (logs / "session-0001.jsonl").write_bytes(session(1, 9))
        running.wait_for("1 files")
        await asyncio.sleep(PAUSE_S)
        assert running.end(signal.SIGINT) == 0, running.err
    files = json.loads(running.out)["files"]
    assert (files["found"], files["pushed"], files["unchanged"]) == (2, 3, 0)
    await library.process()
    assert sorted(row["calls"] for row in (await machine.totals()).values()) == [4, 9]


def test_it_can_be_stopped_while_nobody_answers(machine: Machine) -> None:
    logs = many(machine.home / "logs", 1)
    away = machine.with_(TALLY_URL=f"http://127.0.0.1:{free_port()}")
    with away.pushing(logs, "--watch") as running:
        running.wait_for("Waiting")
        assert running.end(signal.SIGTERM) == 1
        assert running.err.splitlines()[-1] == "tally: Stopped before anything was read."
