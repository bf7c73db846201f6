"""How fast session logs are read: our parsers, the JSON library alone, and ccusage where npm has it; one core each.

The logs are the real ones of the tests, copied with changed ids until there is enough of them. Seconds are the
processor's, so that a busy machine changes little.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from app.facts.workspaces import labeller
from app.transcripts.formats.ledger import Fact
from app.transcripts.formats.log import Log
from app.transcripts.formats.source import Source
from benchmarks.dataset import Scale
from benchmarks.figure import Figure, interleaved
from tests.transcripts.corpus import PROVIDED, SAMPLES, Tree

MESSAGES_A_MEGABYTE = 6_000  # 50 MB or 500
ROUNDS = 5
CHUNK = 2**20
PEER = "ccusage@20.0.24"
# What tells sessions and calls apart; a copy changes four digits of each.
IDS = re.compile(rb"\b(?:req_|msg_(?:bdrk_)?|toolu_|call_)[0-9A-Za-z]{4}|\b[0-9a-f]{4}(?=[0-9a-f]{4}-[0-9a-f]{4}-)")


def measure(scale: Scale) -> list[Figure]:
    with TemporaryDirectory() as folder:
        tree = Tree(Path(folder) / "logs")
        size = replicate(Tree(PROVIDED if PROVIDED.is_dir() else SAMPLES), tree, scale.messages // MESSAGES_A_MEGABYTE)
        sides: dict[str, Callable[[], float]] = {"ours": partial(ours, tree), "json": partial(json_alone, tree)}
        if peer := installed(Path(folder) / "peer"):
            sides["peer"] = partial(theirs, peer, tree)
        with one_core():
            seconds = interleaved(sides, ROUNDS)
    speed = {name: size / taken / 1e6 for name, taken in seconds.items()}
    figures = [
        Figure(
            "session logs parsed", speed["ours"], "MB/s", speed["ours"] / speed["json"], "orjson alone", "≥ 60 MB/s"
        ),
        Figure("orjson alone", speed["json"], "MB/s"),
    ]
    if "peer" in speed:
        figures.append(Figure(PEER, speed["peer"], "MB/s", speed["ours"] / speed["peer"], "ours to theirs"))
    return figures


def replicate(source: Tree, to: Tree, megabytes: int) -> int:
    """Bytes written."""
    size = number = 0
    while size < megabytes * 1_000_000:
        change = partial(renamed, b"%04x" % number)
        for file in source.files:
            content = IDS.sub(change, file.read_bytes())
            name = IDS.sub(change, file.name.encode()).decode()
            copy = to.root / file.relative_to(source.root).parent / f"copy-{number}" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            size += len(content)
        number += 1
    return size


def renamed(number: bytes, found: re.Match[bytes]) -> bytes:
    return found[0][:-4] + number


def ours(tree: Tree) -> float:
    source = Source("log", labeller("basename_only", b""))
    start, rows = time.process_time(), 0
    for file in tree.files:
        log = Log.start(tree.form(file), source)
        for chunk in chunks(file):
            rows += sum(type(found) is Fact for found in log.feed(chunk))
        rows += sum(type(found) is Fact for found in log.end())
    if not rows:
        raise RuntimeError("The logs were read and told nothing.")
    return time.process_time() - start


def json_alone(tree: Tree) -> float:
    start = time.process_time()
    for file in tree.files:
        for line in file.read_bytes().split(b"\n"):
            with suppress(orjson.JSONDecodeError):
                orjson.loads(line)
    return time.process_time() - start


def chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as open_file:
        while chunk := open_file.read(CHUNK):
            yield chunk


def installed(folder: Path) -> Path | None:
    """The peer in a folder of its own; None, with a word on why, where that cannot be."""
    npm, program = shutil.which("npm"), folder / "node_modules" / ".bin" / "ccusage"
    if npm is None:
        sys.stderr.write("  without npm there is no ccusage to compare with\n")
        return None
    try:
        subprocess.run([npm, "install", "--prefix", folder, PEER], capture_output=True, check=True, timeout=180)
        subprocess.run([program, "--version"], capture_output=True, check=True, timeout=30)
    except (subprocess.SubprocessError, OSError):
        sys.stderr.write(f"  {PEER} could not be installed: nothing to compare with\n")
        return None
    return program


def theirs(program: Path, tree: Tree) -> float:
    places = {"CLAUDE_CONFIG_DIR": str(tree.root / "claude"), "CODEX_HOME": str(tree.root / "codex")}
    before = os.times()
    command = [str(program), "daily", "--json", "--offline", "--single-thread"]
    found = subprocess.run(command, env=os.environ | places, capture_output=True, check=True, timeout=600)
    after = os.times()
    if not json.loads(found.stdout)["totals"]["totalTokens"]:
        raise RuntimeError("The peer found no tokens in the logs.")
    return after.children_user + after.children_system - before.children_user - before.children_system


@contextmanager
def one_core() -> Iterator[None]:
    """So that both sides have the same; where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
