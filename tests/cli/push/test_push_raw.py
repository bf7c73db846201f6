"""--raw: the logs themselves, where the account wants them, and without what looks like a secret."""

from httpx import AsyncClient

from tests.cli.push.machine import Machine, copied, many, session
from tests.test_secrets import KEY, SECRETS
from tests.transcripts.corpus import Tree, each_tree
from tests.transcripts.library import Library


@each_tree
async def test_a_tree_sent_raw_counts_what_is_expected(tree: Tree, machine: Machine, library: Library) -> None:
    logs = copied(tree, machine.home / "logs")
    report = machine.pushed(logs, "--raw")
    assert report["files"]["pushed"] + report["files"]["no_session_log"] == len(tree.files)
    await library.process()
    await machine.has_all_of(tree)
    raw = await machine.friction()
    assert machine.pushed(logs, "--raw")["files"]["unchanged"] == len(tree.files)
    assert machine.pushed(logs)["rows"]["read"] == 0
    assert await machine.friction() == raw


@each_tree
async def test_rows_and_raw_logs_say_the_same(tree: Tree, machine: Machine, library: Library) -> None:
    logs = copied(tree, machine.home / "logs")
    machine.pushed(logs)
    totals, friction = await machine.totals(), await machine.friction()
    assert machine.pushed(logs, "--raw")["files"]["pushed"] > 0
    await library.process()
    assert await machine.totals() == totals
    changed = [(old, new) for old, new in zip(friction, await machine.friction(), strict=True) if old != new]
    assert not changed


async def test_secrets_are_taken_out_of_raw_logs_and_counted(machine: Machine, library: Library) -> None:
    log = machine.home / "log.jsonl"
    log.write_bytes(session(1, text=f"{SECRETS['aws']} and {KEY}"))
    report = machine.pushed(log, "--raw")
    assert report["secrets_redacted"] == 8
    (key,) = await library.raw_files()
    assert await library.storage.read(key, 0, 10**6) == session(1, text="[redacted] and [redacted]")
    await library.process()
    ((totals),) = (await machine.totals()).values()
    assert totals["calls"] == 4


async def test_an_account_that_takes_no_raw_logs_gets_none(machine: Machine, client: AsyncClient) -> None:
    settings = {"allow_raw_uploads": False}
    await client.patch("/api/v1/account", json=settings, headers=machine.company.admin.headers)
    logs = many(machine.home / "logs", 1)
    assert "without --raw" in machine.push(logs, "--raw").sentence
    machine.pushed(logs)


def test_a_log_too_large_to_be_sent_raw_keeps_no_other_back(machine: Machine) -> None:
    logs = many(machine.home / "logs", 2)
    (logs / "large.jsonl").write_bytes(session(9) * 40_000)
    ended = machine.push(logs, "--raw", "--json")
    assert ended.code == 1
    assert ended.json["files"]["pushed"] == 2
    assert "50 MiB" in ended.json["failures"][0]["reason"]
    assert not list((machine.home / "state" / "tally").glob("*.outbox/*"))


def test_a_summary_of_raw_logs_speaks_of_no_rows(machine: Machine) -> None:
    ended = machine.push(many(machine.home / "logs", 2), "--raw")
    assert ended.code == 0
    assert "2 found: 2 pushed" in ended.out
    assert "rows" not in ended.out
