"""How far a command is: a bar on a terminal, a line now and then elsewhere; always on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.cli.terminal import visible

PARTS = 4
THOUSANDTHS = 1000


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Say with what is yielded how many of `total` were done."""
    what = visible(what)
    if not sys.stderr.isatty():
        yield percent_lines(what, total)
        return
    from rich.console import Console  # noqa: PLC0415 - only where a bar is shown
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def share(what: str, *, lines: bool = False) -> Iterator[Callable[[float, float], None]]:
    """For work that learns its size on the way: say with what is yielded how much of how much is done.

    Where nobody watches it is silent, unless a line now and then is wanted in a log.
    """
    if not lines and not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with progress(what, THOUSANDTHS) as advance:
        seen = 0

        def reach(done: float, total: float) -> None:
            nonlocal seen
            before, seen = seen, int(done * THOUSANDTHS / total) if total else THOUSANDTHS
            advance(seen - before)

        yield reach


@contextmanager
def gauge(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """For work whose speed is worth seeing too: say how much of how much is done, and a few words.

    Where nobody watches it is silent.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total, _words: None
        return
    from rich.console import Console  # noqa: PLC0415 - only where a bar is shown
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, words="")
        yield lambda done, total, words: bar.update(task, completed=done, total=total, words=words)


def percent_lines(what: str, total: int) -> Callable[[int], None]:
    """A quarter at a time, for logs."""
    seen = 0

    def advance(done: int) -> None:
        nonlocal seen
        before, seen = seen * PARTS // total, seen + done
        if seen * PARTS // total > before:
            sys.stderr.write(f"{what}: {seen * 100 // total} %\n")

    return advance
