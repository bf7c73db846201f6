"""Something done in processes that kill themselves with -9, each a step later: python -m tests.dying MODULE.

For each line that it is given, `MODULE.run(*words)` in a process of its own, forked: what is slow is the imports.
"""

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from tests.process import ROOT

Died = Callable[..., bool]
# A step that nothing comes to.
NEVER = 0


def die_at(step: int) -> Callable[[], None]:
    seen = 0

    def reach() -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach


def around(work: Callable[..., Awaitable[Any]], reach: Callable[[], None], word: str) -> Callable[..., Awaitable[Any]]:
    """Steps are just before and just after it; with a word, where that is what it is given first."""

    async def watched(self: Any, first: Any, *more: Any, **named: Any) -> Any:
        if word in ("", first):
            reach()
        result = await work(self, first, *more, **named)
        if word in ("", first):
            reach()
        return result

    return watched


@contextmanager
def dying(module: str, environment: Mapping[str, str]) -> Iterator[Died]:
    """`died(step, …)`: whether it came as far as that step, and was killed there; else it came to its end."""
    values = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    command, pipe = [sys.executable, "-m", "tests.dying", module], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=values, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, answered = process.stdin, process.stdout

        def died(step: int, *words: object) -> bool:
            asked.write(" ".join(map(str, (step, *words))) + "\n")
            asked.flush()
            code = int(answered.readline())
            assert code in (0, -signal.SIGKILL), code
            return code != 0

        yield died
        asked.close()


def fork(work: Callable[..., None], words: list[str]) -> int:
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        try:
            work(*words)
        except SystemExit as end:
            os._exit(int(end.code or 0))
        except BaseException:  # noqa: BLE001 - whatever it is, this process goes no further
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    run = import_module(sys.argv[1]).run
    for line in sys.stdin:
        sys.stdout.write(f"{fork(run, line.split())}\n")
        sys.stdout.flush()
