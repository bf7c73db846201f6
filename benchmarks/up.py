"""tally up: from the command to the first answer, with an empty directory and with one that has data."""

import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.figure import Figure
from benchmarks.server import free_port

ROUNDS = 5
PATIENCE_S = 60.0


def measure() -> list[Figure]:
    first, again = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
            # Empty and all ours: under root it is handed over, and the data lies in it and goes with it.
            first.append(seconds_to_answer(Path(folder)))
            again.append(seconds_to_answer(Path(folder)))
    return [
        Figure("first answer, empty directory", statistics.median(first), "s", aim="≤ 3"),
        Figure("first answer, existing data", statistics.median(again), "s"),
    ]


def seconds_to_answer(data_dir: Path) -> float:
    port = free_port()
    command = [str(Path(sys.executable).parent / "tally"), "up", "--port", str(port), "--data-dir", str(data_dir)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not answers(port):
            if process.poll() is not None or time.perf_counter() > began + PATIENCE_S:
                raise RuntimeError("`tally up` did not answer.")
            time.sleep(0.005)
        return time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
