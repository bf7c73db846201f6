"""What whoever reads a file knows of it that does not stand in it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """`stem`: the file's name without its endings, for logs that name no session. `label`: names a directory."""

    stem: str
    label: Callable[[str], str | None]
