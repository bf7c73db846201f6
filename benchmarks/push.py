"""tally push from end to end: logs read on all cores, sent, stored with every rollup, all on this machine.

The logs are those of the parser's benchmark. A server, its PostgreSQL and the push share the cores; where the time went
is told by whose processor seconds they were.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psutil

from app.admin.founding import add_user, create_account, create_key
from app.cli.operator import run_on
from app.db.engine import Database
from benchmarks.database import database, environment, settings_for
from benchmarks.dataset import Scale
from benchmarks.figure import Figure
from benchmarks.parser import MESSAGES_A_MEGABYTE, PEER, installed, replicate
from benchmarks.server import serving
from tests.cli.push.machine import many
from tests.transcripts.corpus import PROVIDED, SAMPLES, Tree

TALLY = Path(sys.executable).parent / "tally"
FILES = 3_000
ROUNDS = 5
BIG_FILE = 200_000_000
MIB = 2**20
# A look at the memory takes 16 ms of a core: twenty a second were a quarter of one, taken from what is measured.
LOOK_EVERY_S = 0.5
Environment = dict[str, str]


def measure(scale: Scale) -> list[Figure]:
    with TemporaryDirectory(prefix="tally-push-") as folder, database() as addresses:
        place = Path(folder)
        tree = Tree(place / "logs")
        replicate(Tree(PROVIDED if PROVIDED.is_dir() else SAMPLES), tree, scale.messages // MESSAGES_A_MEGABYTE)
        values = environment(addresses)
        with serving("app.main:create_app", values | {"TALLY_DATA_DIR": str(place / "data")}) as url:
            key = asyncio.run(run_on(addresses, settings_for(addresses), member))
            own = {**os.environ, "TALLY_URL": url, "TALLY_API_KEY": key, "NO_PROXY": "*", "HOME": folder}
            own["XDG_STATE_HOME"] = str(place / "state")
            return [
                *end_to_end(place, tree, own, int(url.rpartition(":")[2])),
                *unchanged(place, own),
                *one_big_file(place, tree, own),
            ]


async def member(database: Database) -> str:
    account = await create_account(database, "Acme", "UTC")
    user: dict[str, Any] = await add_user(database, UUID(str(account["id"])), "ada@example.com", "engineer")
    _, key = await create_key(database, user["id"], "push")
    return key.text


def end_to_end(place: Path, tree: Tree, own: Environment, port: int) -> list[Figure]:
    peer = installed(place / "peer")
    server = next(child for child in psutil.Process().children() if str(port) in child.cmdline())
    reading, _ = pushed(own, tree.root, "--dry-run")
    before = spent(server), postgres()
    report, used = pushed(own, tree.root)
    after = spent(server), postgres()
    speed = report["megabytes_per_second"]
    figures = [
        Figure("push, end to end", speed, "MB/s", aim="≥ 30 MB/s"),
        Figure("  rows a second", report["rows"]["read"] / report["seconds"], "rows/s"),
        Figure("  its own processor time", used["seconds"], "s"),
        Figure("  the server's", after[0] - before[0], "s"),
        Figure("  PostgreSQL's", after[1] - before[1], "s"),
        Figure("  its memory, all its processes", used["memory"] / MIB, "MiB", aim="≤ 200"),
        Figure("read and counted, nothing sent", reading["megabytes_per_second"], "MB/s"),
    ]
    if peer:
        theirs = report["bytes_read"] / 1e6 / seconds_of(peer, tree)
        figures.append(Figure(f"{PEER}, counting alone", theirs, "MB/s", speed / theirs, "ours to theirs"))
    return figures


def unchanged(place: Path, own: Environment) -> list[Figure]:
    logs = many(place / "many", FILES)
    pushed(own, logs)
    times, seconds = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        report, used = pushed(own, logs)
        seconds.append(used["seconds"])
        times.append(time.perf_counter() - began)
        if report["files"]["unchanged"] != FILES:
            raise RuntimeError("Something was read that did not change.")
    return [
        Figure(f"{FILES:,} files, none changed", statistics.median(times), "s", aim="≤ 1 s"),
        Figure("  its own processor time", statistics.median(seconds), "s"),
    ]


def one_big_file(place: Path, tree: Tree, own: Environment) -> list[Figure]:
    """Of all the logs there are, again and again, in one file."""
    big = place / "big" / "one.jsonl"
    big.parent.mkdir()
    with big.open("wb") as file:
        while file.tell() < BIG_FILE:
            for log in tree.files:
                file.write(log.read_bytes().rstrip(b"\n") + b"\n")
    _, used = pushed(own, big.parent, "--dry-run")
    return [Figure(f"memory for one file of {BIG_FILE / 1e6:,.0f} MB", used["memory"] / MIB, "MiB", aim="≤ 200")]


def pushed(own: Environment, *arguments: object) -> tuple[dict[str, Any], dict[str, float]]:
    """The report; the processor seconds and the most memory of the push and what it started."""
    before = os.times()
    command = [str(TALLY), "push", *map(str, arguments), "--json"]
    process = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, text=True)
    with watched(process.pid) as peak:
        out, _ = process.communicate(timeout=900)
    after = os.times()
    if process.returncode:
        raise RuntimeError(f"The push failed: {out}")
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(out), {"seconds": seconds, "memory": peak[0]}


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """What is its own and its children's alone: pages that they share count once."""
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_EVERY_S):
            try:
                parent = psutil.Process(pid)
                family = [parent, *parent.children(recursive=True)]
                peak[0] = max(peak[0], sum(proportional(one) for one in family))
            except psutil.Error:
                continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def proportional(process: psutil.Process) -> int:
    found: int = process.memory_full_info().pss if sys.platform == "linux" else process.memory_info().rss
    return found


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def postgres() -> float:
    """Of every server process below us, those that ended included."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if process.name().startswith("postgres"):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        except psutil.Error:
            continue
    return total


def seconds_of(peer: Path, tree: Tree) -> float:
    places = {"CLAUDE_CONFIG_DIR": str(tree.root / "claude"), "CODEX_HOME": str(tree.root / "codex")}
    began = time.perf_counter()
    command = [str(peer), "daily", "--json", "--offline"]
    subprocess.run(command, env=os.environ | places, capture_output=True, check=True, timeout=600)
    return time.perf_counter() - began
