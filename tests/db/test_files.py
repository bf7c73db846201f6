"""Root in the data directory of another user: what it makes is theirs, and no link of theirs leads it astray."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.operator import secret_file, write_private
from app.db.files import make_folders, open_own, read_own, touch
from app.transcripts.storage import arriving
from tests.cli.conftest import free_port
from tests.cli.terminal import Terminal
from tests.server import reachable

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may go astray")
THEIRS = "daemon"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A directory of an ordinary user."""
    found = reachable(tmp_path) / "theirs"
    found.mkdir(mode=0o755)
    shutil.chown(found, THEIRS, THEIRS)
    return found


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    """A file of root's that a user would like to have."""
    found = tmp_path / "roots"
    found.write_text("of root")
    found.chmod(0o600)
    return found


def owners(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.owner() for path in (folder, *folder.rglob("*"))}


def test_what_root_makes_belongs_to_whom_the_folder_belongs(theirs: Path) -> None:
    write_private(theirs / "data" / "demo.json", "{}")
    touch(theirs / "data" / "worker-alive")
    log = arriving(theirs / "data")
    assert set(owners(theirs).values()) == {THEIRS}
    assert {path.stat().st_mode & 0o077 for path in (log, log.parent, theirs / "data" / "demo.json")} == {0}


def append(path: Path) -> None:
    os.close(open_own(path, os.O_RDWR | os.O_APPEND))


@pytest.mark.parametrize("use", [touch, append, read_own])
def test_root_follows_no_link_that_another_user_laid(theirs: Path, roots: Path, use: Callable[[Path], object]) -> None:
    before = roots.stat()
    (theirs / "file").symlink_to(roots)
    with pytest.raises(OSError, match="symbolic links"):
        use(theirs / "file")
    (theirs / "nothing").symlink_to(roots.with_name("new"))
    with pytest.raises(OSError, match="symbolic links"):
        use(theirs / "nothing")
    assert not roots.with_name("new").exists()
    assert (roots.stat().st_mtime_ns, roots.owner()) == (before.st_mtime_ns, "root")


@pytest.mark.parametrize("use", [touch, append])
def test_root_gives_no_file_away_that_has_another_name(
    theirs: Path, roots: Path, use: Callable[[Path], object]
) -> None:
    os.link(roots, theirs / "file")
    with pytest.raises(OSError, match="no plain file"):
        use(theirs / "file")
    assert roots.owner() == "root"


def test_a_link_that_takes_the_place_of_a_file_is_replaced(theirs: Path, roots: Path) -> None:
    (theirs / "demo.json").symlink_to(roots)
    (theirs / "demo.new").symlink_to(roots)
    write_private(theirs / "demo.json", "{}")
    assert roots.read_text() == "of root"
    assert (theirs / "demo.json").is_file()
    assert not (theirs / "demo.json").is_symlink()


def test_root_keeps_no_logs_behind_a_link_that_another_user_laid(theirs: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (theirs / "transcripts").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        arriving(theirs)
    assert list(elsewhere.iterdir()) == []


def test_roots_own_links_are_followed(tmp_path: Path, roots: Path) -> None:
    (tmp_path / "jwt-secret").symlink_to(roots)
    assert read_own(secret_file(tmp_path)) == "of root"
    assert make_folders(tmp_path / "a" / "b") == [tmp_path / "a" / "b", tmp_path / "a"]
    assert (tmp_path / "a").owner() == "root"


def test_root_serves_from_a_users_directory_and_leaves_it_to_them(theirs: Path) -> None:
    terminal = Terminal(theirs, {"TALLY_DATA_DIR": str(theirs / "data")})
    with terminal.running("up", "--port", free_port()) as running:
        running.wait_for('"event":"working"')
        running.end()
    made = owners(theirs / "data")
    assert {"jwt-secret", "demo.json", "worker-alive", "lock", "postgres.log", "postgres"} <= set(made)
    assert set(made.values()) == {THEIRS}


def test_what_is_in_the_way_is_one_sentence(theirs: Path, roots: Path) -> None:
    (theirs / "jwt-secret").symlink_to(roots)
    terminal = Terminal(theirs, {"TALLY_DATA_DIR": str(theirs)})
    refused = terminal.tally("up", "--port", free_port(), "--no-demo").sentence
    assert (
        refused
        == f"{theirs}/jwt-secret is a symbolic link where Tally keeps a file of its own: remove it and start again."
    )
