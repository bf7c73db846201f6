"""A push from signing in to the last word, once or as long as sessions go on."""

import asyncio
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.cli.progress import gauge
from app.cli.push.book import PUSHES
from app.cli.push.faults import Lost, PushError, Refused
from app.cli.push.lock import alone
from app.cli.push.manifest import Manifest, asked
from app.cli.push.report import Report
from app.cli.push.round import FAREWELL_S, Push
from app.cli.push.server import Server
from app.cli.push.state import directory, opened, place
from app.cli.terminal import complain, remark

PAUSE_S = 3.0
# A file that failed is tried again when it changes, or after so long.
AGAIN_S = 300.0
SAID_EVERY_S = 30.0
# What a server says to whom it knows nothing of.
UNTOLD = {
    "raw_uploads": True,
    "workspace_labels": "basename_only",
    "workspace_salt": "",
    "retention_days": 0,
}


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    url: str
    key: str
    roots: list[Path]
    patience: float
    raw: bool
    watch: bool
    dry_run: bool
    as_json: bool


async def carry_out(wish: Wish) -> Report:
    patience = math.inf if wish.watch else wish.patience
    async with Server(wish.url, wish.key, patience, Outages()) as server:
        try:
            claims = await server.sign_in()
        except Lost as lost:
            if not wish.dry_run:
                raise
            return await unasked(wish, server, lost)
        folder = directory(os.environ)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = place(folder, wish.url, claims)
        with nullcontext() if wish.dry_run else alone(kept.with_suffix(".lock")), opened(kept) as state:
            rules, manifest = await asked(server)
            if wish.raw and not rules["raw_uploads"]:
                raise Refused(0, "The account does not take raw logs: push without --raw.")
            outbox = emptied(kept.with_suffix(".dry" if wish.dry_run else ".outbox"))
            home = os.environ.get("HOME", "")
            push = Push(server, state, wish.roots, rules, manifest, outbox, home, raw=wish.raw, dry_run=wish.dry_run)
            return await (follow(push) if wish.watch else once(push))


async def unasked(wish: Wish, server: Server, why: Lost) -> Report:
    """A dry run without the server: all there is, by the rules of an account that has changed none."""
    with TemporaryDirectory(prefix="tally-") as name, opened(Path(name) / "nothing.db") as state:
        outbox, home = emptied(Path(name) / "packed"), os.environ.get("HOME", "")
        report = await once(
            Push(server, state, wish.roots, UNTOLD, Manifest(), outbox, home, raw=wish.raw, dry_run=True)
        )
    report.notes.append(f"{why} So the server was not asked: what it has already counts as new here.")
    return report


async def once(push: Push) -> Report:
    report = Report(dry_run=push.dry_run, raw=push.raw)
    try:
        with gauge("pushing") as reach, plain():
            await push.round(report, lambda report, number: reach(*standing(report, number)))
    except asyncio.CancelledError:
        report.stopped = "Stopped."
    except Lost as lost:
        report.stopped = str(lost)
    return report


async def follow(push: Push) -> Report:
    """Until stopped. A line for each round that found something; what failed waits until it changes."""
    whole, since, said = Report(raw=push.raw), time.monotonic(), set[str]()
    try:
        while True:
            report = Report()
            with plain():
                await push.round(report, lambda _report, _number: None, completed=whole.rounds == 0)
            tell(report, said, first=whole.rounds == 0)
            whole.add(report)
            if time.monotonic() - since > AGAIN_S:
                push.failed.clear()
                said.clear()
                since = time.monotonic()
            await asyncio.sleep(PAUSE_S)
    except asyncio.CancelledError:
        with suppress(TimeoutError, PushError):
            ended = {"files": [], "completed": True, "total": whole.pushed}
            await asyncio.wait_for(push.server.post(PUSHES, ended), FAREWELL_S)
    return whole


def tell(report: Report, said: set[str], *, first: bool) -> None:
    """`said`: complaints that need not be heard again."""
    if report.pushed or first:
        words = f"{report.pushed:,} files, {report.rows_read:,} rows, {report.rows_stored:,} of them new"
        remark(f"{time.strftime('%H:%M:%S')}  {words}")
    for sentence in report.complaints():
        if sentence not in said:
            said.add(sentence)
            complain(sentence)


def standing(report: Report, number: int) -> tuple[int, int, str]:
    """For the bar: files done, files in all, and what else is worth seeing."""
    done = report.pushed + report.no_logs + len(report.failures)
    return min(done, number), number, f"{done:,}/{number:,} files  {report.speed:,.1f} MB/s  {report.rows_read:,} rows"


@contextmanager
def plain() -> Iterator[None]:
    """Of several faults at once the first is said."""
    try:
        yield
    except BaseExceptionGroup as group:
        ours = group.subgroup(PushError)
        if ours is None:
            raise
        found: BaseException = ours
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        raise found from None


class Outages:
    """Says that the server is waited for, once a while."""

    _said: float = -math.inf

    def __call__(self, why: str) -> None:
        if time.monotonic() - self._said > SAID_EVERY_S:
            self._said = time.monotonic()
            complain(f"{why} Waiting for it.")


def emptied(folder: Path) -> Path:
    """What a push that was cut off had packed is of no use."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    return folder
