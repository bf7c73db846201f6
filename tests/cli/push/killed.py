"""tally push that kills itself at a step: for `tests.dying`.

Steps are just before and just after each request, and each time that something is written down here.
"""

import sys
from collections.abc import Callable
from typing import Any

import httpx

from app.cli import main
from app.cli.push.state import State
from tests.dying import around, die_at


def keeping(keep: Callable[..., None], reach: Callable[[], None]) -> Callable[..., None]:
    def watched(self: State, files: Any) -> None:
        reach()
        keep(self, files)
        reach()

    return watched


def run(step: str, *paths: str) -> None:
    reach = die_at(int(step))
    setattr(httpx.AsyncClient, "request", around(httpx.AsyncClient.request, reach, ""))  # noqa: B010 - not its type
    setattr(State, "keep", keeping(State.keep, reach))  # noqa: B010
    sys.argv = ["tally", "push", *paths]
    main()
