"""A working directory is called by the account's rule."""

import pytest

from app.facts.workspaces import Labels, labeller
from tests.transcripts.reading import facts, lines, read

PATH = "/home/user/projects/tally"


def label(labels: Labels, directory: str, secret: bytes = b"s") -> str | None:
    return labeller(labels, secret)(directory)


@pytest.mark.parametrize(
    ("directory", "called"),
    [
        (PATH, "tally"),
        (PATH + "/", "tally"),
        ("C:\\Users\\me\\tally", "tally"),
        ("\\\\server\\share\\tally\\", "tally"),
        ("/", "/"),
        ("tally", "tally"),
    ],
)
def test_the_last_folder_of_any_system(directory: str, called: str) -> None:
    assert label("basename_only", directory) == called


def test_the_full_path_as_it_stands_or_its_end() -> None:
    assert label("full_path", PATH) == PATH
    assert label("full_path", "/deep" * 100 + "/end") == ("/deep" * 100 + "/end")[-200:]


def test_hashes_are_the_accounts_own_and_tell_nothing() -> None:
    hashed = label("hashed", PATH)
    assert hashed == label("hashed", PATH)
    assert hashed not in (label("hashed", PATH, b"other"), label("hashed", PATH + "x"))
    assert hashed is not None
    assert not any(part in hashed for part in PATH.split("/")[1:])


@pytest.mark.parametrize("labels", ["full_path", "hashed", "basename_only"])
@pytest.mark.parametrize("directory", ["", " ", "\0", "\n"])
def test_no_directory_has_no_name(labels: Labels, directory: str) -> None:
    assert label(labels, directory) is None


def test_a_session_is_of_the_directory_it_began_in() -> None:
    records = [{"type": "user", "sessionId": "s", "cwd": where} for where in (PATH, PATH + "/src")]
    (session,) = facts(read("claude_code", lines(*records)), "sessions")
    assert session["workspace"] == PATH
