"""tally bench: runs what is there, and says where it is when it is not."""

from pathlib import Path

import pytest

from app.cli import benching
from app.cli.operator import Misconfigured
from tests.cli.terminal import Terminal


def test_the_benchmarks_of_the_checkout_run_from_anywhere(terminal: Terminal) -> None:
    ended = terminal.tally("bench", "nope", "--scale", "full")
    assert (ended.code, ended.err.startswith("benchmarks: no nope; there are me,")) == (2, True), ended.err


def test_where_they_are_not_installed_a_sentence_says_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benching, "SOURCE", tmp_path)
    with pytest.raises(Misconfigured, match=r"run `make bench` in Tally's source\.$"):
        benching.bench()


def test_where_what_they_need_is_missing_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benching, "NEEDED", ("no_such_module",))
    with pytest.raises(Misconfigured, match="which installs it"):
        benching.bench()
