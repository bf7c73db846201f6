"""--watch: what live sessions write is at the server soon after, until it is told to stop."""

import asyncio
import signal
import time

import psutil
import pytest

from tests.cli.push.machine import Machine, many, session


async def until(machine: Machine, calls: list[int]) -> None:
    deadline = time.monotonic() + 40
    while (found := sorted(row["calls"] for row in (await machine.totals()).values())) != calls:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_live_sessions_are_followed_until_told_to_stop(machine: Machine, number: int) -> None:
    logs = many(machine.home / "logs", 1)
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
        assert running.end(number) == 0, running.err
        assert "Traceback" not in running.err
        assert "2 files" not in running.err
    assert not psutil.wait_procs(family, timeout=20)[1]
    assert machine.pushed(logs)["rows"]["read"] == 0
