"""Real logs: a few lie here, many more beside the repository, where they were provided."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parent / "samples"
PROVIDED = Path(__file__).parents[3] / "shared" / "sessions"
FORMATS = {"claude": "claude_code", "codex": "codex"}


@dataclass(frozen=True)
class Tree:
    """A folder of logs with what they must count."""

    root: Path

    @cached_property
    def expected(self) -> Any:
        return json.loads((self.root / "expected.json").read_bytes())

    @cached_property
    def files(self) -> list[Path]:
        return sorted(self.root.rglob("*.jsonl"))

    @cached_property
    def logs(self) -> list[Path]:
        """The files in which something stands: one of those provided is empty."""
        return [file for file in self.files if file.stat().st_size]

    @cached_property
    def sessions(self) -> dict[str, list[Path]]:
        """The files of each session, as the index says."""
        found: dict[str, list[Path]] = {}
        for entry in json.loads((self.root / "index.json").read_bytes()):
            found.setdefault(entry["session"], []).append(self.root / entry["file"])
        return found

    def form(self, file: Path) -> str:
        return FORMATS[file.relative_to(self.root).parts[0]]

    def of(self, agent: str) -> list[Path]:
        return [file for file in self.files if self.form(file) == FORMATS[agent]]


TREES = [
    pytest.param(Tree(SAMPLES), id="samples"),
    pytest.param(
        Tree(PROVIDED),
        id="provided",
        marks=pytest.mark.skipif(not PROVIDED.is_dir(), reason="The provided logs do not lie beside the repository."),
    ),
]
each_tree = pytest.mark.parametrize("tree", TREES)
