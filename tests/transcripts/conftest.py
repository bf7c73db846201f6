"""Packages that bring processors."""

from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from pathlib import Path
from textwrap import dedent

import pytest

from app.transcripts.processors import contract
from app.transcripts.processors.installed import processors

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts packages of processors where Python finds them, as installers do; `install(code, "name = module:Kind")`."""

    def put(code: str, *points: str) -> None:
        number = len(list(tmp_path.glob("*.dist-info")))
        module = f"third_party_{tmp_path.name}_{number}".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(f"from {contract.__name__} import Problem, Result\n{dedent(code)}")
        described = tmp_path / f"{module}-1.0.dist-info"
        described.mkdir()
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        listed = "\n".join(point.replace("module:", f"{module}:") for point in points)
        (described / "entry_points.txt").write_text(f"[tally.processors]\n{listed}\n")
        invalidate_caches()
        processors.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield put
    processors.cache_clear()
