"""Logs that are uploaded count what they must: whole trees, in any order, twice, and as they grow."""

import random

from tests.transcripts.corpus import Tree, each_tree
from tests.transcripts.library import Library, called
from tests.transcripts.merged import TOKENS

NOTHING = dict.fromkeys(("calls", *TOKENS, "tool_calls", "tool_errors"), 0)


def expected(tree: Tree) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = tree.expected["claude"]["sessions"]
    return found


async def upload_tree(library: Library, tree: Tree, seed: int | None = None) -> None:
    files = list(tree.files)
    if seed is not None:
        random.Random(seed).shuffle(files)
    for file in files:
        await library.upload(called(tree.root, file), file.read_bytes())


async def counts_what_is_expected(library: Library, tree: Tree) -> None:
    counted = await library.totals()
    assert expected(tree).items() <= counted.items()
    codex = [row for name, row in counted.items() if name not in expected(tree)]
    total = tree.expected["codex"]["total"]
    assert {name: sum(row[name] for row in codex) for name in total} == total


@each_tree
async def test_a_tree_that_is_uploaded_counts_what_is_expected(tree: Tree, library: Library) -> None:
    await upload_tree(library, tree, seed=1)
    details = await library.process()
    assert details["processed"] == details["scanned"] == len(tree.files)
    await counts_what_is_expected(library, tree)
    assert all(row["processed_at"] for row in await library.listed())


@each_tree
async def test_twice_is_once(tree: Tree, library: Library) -> None:
    await upload_tree(library, tree)
    await library.process()
    totals, friction, files = await library.totals(), await library.friction(), await library.raw_files()
    await upload_tree(library, tree)
    assert (await library.process("usage"))["scanned"] == 0
    await library.execute("UPDATE processor_state SET version = version - 1 WHERE account_id = $1")
    assert (await library.process("friction"))["processed"] == len(tree.files)
    await library.process("usage")
    assert (await library.totals(), await library.friction()) == (totals, friction)
    assert sorted(await library.raw_files()) == sorted(files)
