"""Real logs count what they must: per session, as a whole, in any order, read at once, twice or as they grow."""

import random
from pathlib import Path

import pytest

from tests.transcripts.corpus import Tree, each_tree
from tests.transcripts.merged import TOKENS, Merged
from tests.transcripts.reading import problems, read, read_growing

BROKEN = {
    "86cc3044-7515-43f1-9c25-1444738c64c9": [(115, "joined")],
    "88f04c6a-d128-40bf-96b3-6b2aa787f62c": [(1, "comment"), (2, "comment")],
    "a6357d32-308a-4030-84d4-59744b5438d1": [(26, "unfinished")],
}


def merged(tree: Tree, files: list[Path]) -> Merged:
    return Merged(item for file in files for item in read(tree.form(file), file.read_bytes()))


def line_by_line(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines(keepends=True)


@each_tree
def test_the_whole_tree_counts_what_is_expected(tree: Tree) -> None:
    counted = merged(tree, tree.of("claude")).counted()
    assert counted == tree.expected["claude"]["sessions"]
    total = tree.expected["claude"]["total"]
    assert {name: sum(session[name] for session in counted.values()) for name in total} == total


@each_tree
def test_every_session_counts_what_is_expected_by_itself(tree: Tree) -> None:
    for session, expected in tree.expected["claude"]["sessions"].items():
        assert merged(tree, tree.sessions[session]).counted() == {session: expected}


@each_tree
def test_every_codex_file_counts_the_tokens_expected(tree: Tree) -> None:
    expected = tree.expected["codex"]["files"]
    for file in tree.of("codex"):
        counted = merged(tree, [file]).counted()
        assert len(counted) <= 1
        tokens = {name: sum(session[name] for session in counted.values()) for name in TOKENS}
        assert tokens == expected[str(file.relative_to(tree.root / "codex"))]


@each_tree
def test_codex_files_together_count_their_sum(tree: Tree) -> None:
    counted, total = merged(tree, tree.of("codex")).counted(), tree.expected["codex"]["total"]
    assert {name: sum(session[name] for session in counted.values()) for name in total} == total


@each_tree
def test_the_order_of_files_does_not_matter(tree: Tree) -> None:
    whole, shuffled = merged(tree, tree.files), list(tree.files)
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)
        assert merged(tree, shuffled) == whole


@each_tree
def test_reading_twice_is_reading_once(tree: Tree) -> None:
    assert merged(tree, tree.files * 2) == merged(tree, tree.files)


@each_tree
def test_a_file_that_grows_line_by_line_is_the_file_read_at_once(tree: Tree) -> None:
    for file in tree.files:
        form = tree.form(file)
        growing = read_growing(form, line_by_line(file))
        once = read(form, file.read_bytes())
        assert Merged(growing) == Merged(once), file
        assert set(problems(growing)) == set(problems(once))


@each_tree
def test_a_file_split_at_any_line_is_the_file_read_at_once(tree: Tree) -> None:
    """Every boundary of the shorter files; of the longer ones some, for time."""
    for file in tree.files:
        form, parts = tree.form(file), line_by_line(file)
        whole = Merged(read(form, file.read_bytes()))
        step = 1 if len(parts) <= 60 else len(parts) // 12
        for at in range(1, len(parts), step):
            pieces = [b"".join(parts[:at]), b"".join(parts[at:])]
            assert Merged(read_growing(form, pieces)) == whole, (file, at)


@each_tree
@pytest.mark.parametrize("size", [7, 1000, 65_536])
def test_chunks_of_any_size_say_the_same(tree: Tree, size: int) -> None:
    for file in tree.files[:: 1 if size > 7 else 6]:
        whole, form = file.read_bytes(), tree.form(file)
        chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert read(form, *chunks) == read(form, whole)


@each_tree
def test_broken_lines_are_named_and_no_others(tree: Tree) -> None:
    for file in tree.files:
        assert problems(read(tree.form(file), file.read_bytes())) == BROKEN.get(file.stem, [])


@each_tree
def test_a_session_of_errors_alone_still_shows(tree: Tree) -> None:
    found = merged(tree, tree.files)
    session = "f8814b3b-b760-403c-b354-96849752cb78"
    assert session in found.sessions
    of_it = [row for row in found.messages.values() if row["session_id"] == session and row["role"] == "assistant"]
    assert [(row["is_error"], row["status"], row.get("model_id")) for row in of_it] == [(True, "failed", None)] * 2


@each_tree
def test_no_model_is_called_synthetic(tree: Tree) -> None:
    models = {row.get("model_id") for row in merged(tree, tree.files).messages.values()}
    assert "claude-opus-4-7" in models
    assert not any(model and "synthetic" in model for model in models)


@each_tree
def test_work_of_sub_agents_is_the_parents_and_marked(tree: Tree) -> None:
    session = "e9fb405b-169f-40eb-9396-7e75076f045d"
    rows = merged(tree, tree.sessions[session]).messages.values()
    names = [row["agent_name"] for row in rows if row["role"] == "assistant"]
    assert {row["session_id"] for row in rows} == {session}
    assert sorted(set(names)) == ["claude sub-agent", "claude-code"]
