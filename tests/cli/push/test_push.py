"""Logs of a machine become numbers at the server: all of them, once, however often and however they are pushed."""

import asyncio
import time
from pathlib import Path

import pytest
import zstandard
from httpx import AsyncClient

from app.cli.push import round as round_
from app.cli.push.watch import Wish, carry_out
from tests.audit_rows import audited
from tests.cli.push.conftest import machine_of
from tests.cli.push.machine import Machine, copied, many, session, stopped
from tests.dying import NEVER, dying
from tests.people import Founder
from tests.process import Running
from tests.transcripts.corpus import SAMPLES, Tree, each_tree


@each_tree
async def test_a_whole_tree_counts_what_is_expected_and_twice_is_once(tree: Tree, machine: Machine) -> None:
    first = machine.pushed(tree.root)
    await machine.has_all_of(tree)
    assert first["files"]["found"] == len(tree.files) == first["files"]["pushed"] + first["files"]["no_session_log"]
    assert first["rows"]["stored"] > 0
    again = machine.pushed(tree.root)
    assert again["rows"]["read"] == again["files"]["pushed"] == again["bytes_read"] == 0
    assert again["files"]["unchanged"] == len(tree.files)
    await machine.has_all_of(tree)


@each_tree
async def test_what_the_server_has_is_not_sent_by_a_machine_that_forgot(tree: Tree, machine: Machine) -> None:
    machine.pushed(tree.root)
    machine.forget()
    again = machine.pushed(tree.root)
    assert again["rows"]["read"] == again["files"]["pushed"] == 0
    assert again["bytes_read"] > 0


async def test_what_the_server_lost_is_sent_again(machine: Machine) -> None:
    logs = many(machine.home / "logs", 3)
    first = machine.pushed(logs)
    async with machine.database.transaction(machine.company.id) as tx:
        for table in ("transcripts", "ai_sessions"):
            await tx.driver.execute(f"DELETE FROM {table} WHERE account_id = $1", machine.company.id)
    assert await machine.totals() == {}
    again = machine.pushed(logs)
    assert again["rows"]["read"] == first["rows"]["read"]
    assert len(await machine.totals()) == 3


async def test_what_an_earlier_reader_sent_is_read_and_sent_again_once(machine: Machine) -> None:
    logs = machine.home / "logs"
    logs.mkdir()
    (logs / "one.jsonl").write_bytes(session(0) + stopped(0, 1))
    machine.pushed(logs)
    told = await machine.friction()
    assert [row["interruptions"] for row in told] == [1]
    async with machine.database.transaction(machine.company.id) as tx:
        for forgotten in ("UPDATE transcripts SET reader_version = 0", "DELETE FROM transcript_signals"):
            await tx.driver.execute(f"{forgotten} WHERE account_id = $1", machine.company.id)
    again = machine.pushed(logs)
    assert (again["files"]["pushed"], again["rows"]["stored"]) == (1, 0)
    assert await machine.friction() == told
    assert machine.pushed(logs)["files"]["unchanged"] == 1


async def test_a_tally_older_than_its_server_says_so(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs, own = many(machine.home / "logs", 1), machine.terminal.environment
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, own[name])
    wish = Wish(own["TALLY_URL"], own["TALLY_API_KEY"], [logs], 10, False, False, False, True)
    assert (await carry_out(wish)).notes == []
    monkeypatch.setattr(round_, "READER_VERSION", 0)
    assert (await carry_out(wish)).notes == [round_.OUTDATED]


async def test_however_many_logs_the_server_has_of_a_member_each_is_known(machine: Machine) -> None:
    """More than a page of them, those of this machine on the first, in the middle and last."""
    places = [many(machine.home / name, 1) for name in ("a", "b", "c")]
    machine.pushed(*places)
    fill = """
        INSERT INTO transcripts (account_id, id, user_id, name, sha256, size, source, processed_at)
        SELECT $1, gen_random_uuid(), $2, to_hex(n) || '/' || n, repeat('0', 64), 1, 'rows', now()
        FROM generate_series(1, 12000) AS n
    """
    async with machine.database.transaction(machine.company.id) as tx:
        await tx.driver.execute(fill, machine.company.id, machine.person.id)
    machine.forget()
    again = machine.pushed(*places)
    assert (again["files"]["unchanged"], again["rows"]["read"]) == (3, 0)
    rows = await audited(machine.database, machine.company.id)
    assert [row.parameters["files"] for row in rows if row.action == "manifest.fetch"] == [0, 12_003]


async def test_the_agents_own_folders_are_found(machine: Machine) -> None:
    many(machine.home / ".claude" / "projects" / "p", 2)
    (machine.home / ".claude" / "history.jsonl").write_text('{"display": "no log", "sessionId": "x"}\n')
    codex = machine.home / ".codex" / "archived_sessions"
    codex.mkdir(parents=True)
    meta = '{"timestamp":"2026-03-01T10:00:00Z","type":"session_meta","payload":{"id":"archived-one"}}\n'
    (codex / "rollout-1.jsonl").write_text(meta)
    assert machine.pushed()["files"]["pushed"] == 3
    assert "archived-one" in await machine.totals()


def test_without_any_logs_it_says_where_it_looked(machine: Machine) -> None:
    assert ".claude/projects" in machine.push().sentence


async def test_a_grown_file_sends_only_what_is_new(machine: Machine) -> None:
    log = machine.home / "logs" / "one.jsonl"
    log.parent.mkdir()
    whole = session(1, 300)
    cut = len(whole) // 2  # in the middle of a line
    log.write_bytes(whole[:cut])
    first = machine.pushed(log.parent)
    assert first["broken_lines"] == {"unfinished": 1}
    assert first["broken"] == [{"file": str(log), "line": whole[:cut].count(b"\n") + 1, "code": "unfinished"}]
    log.write_bytes(whole)
    second = machine.pushed(log.parent)
    assert first["rows"]["read"] + second["rows"]["read"] < 330
    assert second["bytes_read"] < len(whole) * 0.6
    (totals,) = (await machine.totals()).values()
    assert (totals["calls"], totals["output"]) == (300, sum(range(300)))


@each_tree
async def test_files_that_grow_between_pushes_count_as_if_pushed_once(tree: Tree, machine: Machine) -> None:
    logs = machine.home / "logs"
    for quarter in range(1, 5):
        for file in tree.files:
            copy, whole = logs / file.relative_to(tree.root), file.read_bytes()
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(whole[: len(whole) * quarter // 4])
        machine.pushed(logs)
    await machine.has_all_of(tree)


def dealt(whole: bytes, hands: int) -> list[bytes]:
    """Its lines in order, one to a hand; more, where there are more."""
    lines = whole.splitlines(keepends=True)
    return [b"".join(lines[len(lines) * n // hands : len(lines) * (n + 1) // hands]) for n in range(hands)]


async def test_files_that_grow_line_by_line_with_a_push_after_each_count_as_if_pushed_once(
    machine: Machine, server: Running, founder: Founder, tmp_path: Path
) -> None:
    """All of them side by side: as many pushes as most of them have lines."""
    tree, logs, pushes = Tree(SAMPLES), machine.home / "logs", 20
    copied(tree, tmp_path / "whole")
    growing = {logs / file.relative_to(tree.root): dealt(file.read_bytes(), pushes) for file in tree.files}
    with dying("tests.cli.push.killed", machine.terminal.environment) as died:
        for n in range(pushes):
            for log, pieces in growing.items():
                log.parent.mkdir(parents=True, exist_ok=True)
                with log.open("ab") as file:
                    file.write(pieces[n])
            assert not await asyncio.to_thread(died, NEVER, logs)
    await machine.has_all_of(tree)
    other, home = await founder.company("Once"), tmp_path / "once"
    home.mkdir()
    once = await machine_of(founder.database, other, other.engineer, home, server.url)
    once.pushed(tmp_path / "whole")
    assert await machine.totals() == await once.totals()
    grown, whole = [await one.signals() for one in (machine, once)]
    assert grown == whole
    assert any(sum(counts[1:]) for counts in whole)


async def test_counts_of_what_went_wrong_are_those_of_the_whole_log(machine: Machine) -> None:
    log = machine.home / "log.jsonl"
    lines = session(1, 2).splitlines(keepends=True)
    log.write_bytes(lines[0] + stopped(1, 1))
    machine.pushed(log)
    log.write_bytes(log.read_bytes() + lines[1] + stopped(1, 2))
    machine.pushed(log)
    (row,) = await machine.friction()
    assert (row["interruptions"], row["retries"]) == (2, 0)


async def test_a_truncated_or_rotated_file_is_read_anew(machine: Machine) -> None:
    log = machine.home / "log.jsonl"
    log.write_bytes(session(1, 50))
    machine.pushed(log)
    log.write_bytes(session(2, 20))
    assert machine.pushed(log)["rows"]["stored"] == 21
    log.write_bytes(session(3, 80))
    assert machine.pushed(log)["rows"]["stored"] == 81
    assert sorted(row["calls"] for row in (await machine.totals()).values()) == [20, 50, 80]


async def test_a_log_packed_since_is_the_same_log(machine: Machine) -> None:
    log = machine.home / "rollout.jsonl"
    log.write_bytes(session(1, 50))
    machine.pushed(log)
    packed = log.with_name(log.name + ".zst")
    packed.write_bytes(zstandard.compress(log.read_bytes()))
    log.unlink()
    report = machine.pushed(packed)
    assert (report["files"]["unchanged"], report["rows"]["read"]) == (1, 0)
    packed.write_bytes(zstandard.compress(session(1, 60)))
    assert machine.pushed(packed)["rows"]["stored"] >= 10
    assert [file["size"] for file in await machine.files()] == [len(session(1, 60))]


async def test_a_thousand_files_take_few_calls(machine: Machine) -> None:
    logs = many(machine.home / "logs", 1000, lines=2)
    report = machine.pushed(logs)
    assert (report["files"]["pushed"], report["rows"]["stored"]) == (1000, 3000)
    assert len(await machine.totals()) == len(await machine.files()) == 1000
    began = time.monotonic()
    assert machine.pushed(logs)["files"]["unchanged"] == 1000
    assert time.monotonic() - began < 10


async def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(machine: Machine) -> None:
    logs = many(machine.home / "logs", 3)
    report = machine.pushed(logs, "--dry-run")
    assert (report["files"]["pushed"], report["rows"]["read"], report["bytes_sent"]) == (3, 15, 0)
    assert await machine.totals() == {}
    assert await machine.files() == []
    assert machine.pushed(logs)["rows"]["stored"] == 15


@pytest.mark.parametrize("way", [(), ("--raw",)])
def test_a_dry_run_needs_no_server(machine: Machine, way: tuple[str, ...]) -> None:
    logs = many(machine.home / "logs", 3)
    for left, why in (
        ({"TALLY_URL": "http://127.0.0.1:9"}, "Nothing answers at"),
        ({"TALLY_API_KEY": ""}, "no API key"),
    ):
        alone = machine.with_(**left)
        ended = alone.push(logs, "--dry-run", "--patience", "1", *way)
        assert ended.code == 0, ended.err
        assert "3 found: 3 to push" in ended.out
        assert "the server was not asked" in ended.out
        assert why in ended.out
        report = alone.pushed(logs, "--dry-run", "--patience", "0", *way)
        assert (report["files"]["pushed"], report["rows"]["read"], report["bytes_sent"]) == (3, 0 if way else 15, 0)
        assert alone.push(logs, "--patience", "0", *way).code != 0
    assert not (machine.home / "state").exists()
    assert machine.with_(TALLY_API_KEY="tly_nobody").push(logs, "--dry-run").code == 1


async def test_the_server_notes_that_a_member_pushed(machine: Machine) -> None:
    machine.pushed(many(machine.home / "logs", 2))
    rows = await audited(machine.database, machine.company.id)
    noted = [row for row in rows if not row.action.startswith(("auth.", "key."))]
    assert [row.action for row in noted] == ["manifest.fetch", "sync.trigger"]
    assert noted[1].parameters == {"files": 2}


async def test_what_is_written_down_is_for_its_owner_alone(machine: Machine) -> None:
    machine.pushed(many(machine.home / "logs", 1))
    kept = list((machine.home / "state" / "tally").iterdir())
    assert {oct(path.stat().st_mode & 0o077) for path in [*kept, kept[0].parent]} == {"0o0"}
    assert not any(b"hello" in path.read_bytes() for path in kept if path.is_file())


async def test_what_is_written_down_and_unusable_is_put_aside(machine: Machine) -> None:
    logs = many(machine.home / "logs", 2)
    machine.pushed(logs)
    (kept,) = (machine.home / "state" / "tally").glob("*.db")
    kept.write_bytes(b"rubbish" * 1000)
    assert machine.pushed(logs)["files"]["unchanged"] == 2
    assert machine.pushed(logs)["bytes_read"] == 0


async def test_paths_are_no_names_where_the_account_hashes_them(machine: Machine, client: AsyncClient) -> None:
    logs = many(machine.home / "acme-merger", 1)
    hashed = {"workspace_labels": "hashed"}
    await client.patch("/api/v1/account", json=hashed, headers=machine.company.admin.headers)
    machine.pushed(logs)
    (file,) = await machine.files()
    assert file["name"].endswith("/session-0000.jsonl")
    assert "merger" not in file["name"]
    assert str(Path(machine.home).name) not in file["name"]


async def test_the_summary_adds_up(machine: Machine) -> None:
    ended = machine.push(many(machine.home / "logs", 2))
    assert ended.code == 0
    assert "2 found: 2 pushed" in ended.out
    assert "10 read = 10 stored + 0 unchanged + 0 rejected" in ended.out
    assert ended.err == ""


async def test_a_copy_of_a_tree_changes_nothing(machine: Machine) -> None:
    tree = Tree(Path(__file__).parents[2] / "transcripts" / "samples")
    machine.pushed(tree.root)
    before = await machine.totals()
    report = machine.pushed(copied(tree, machine.home / "copy"))
    assert report["rows"]["stored"] == 0
    assert await machine.totals() == before
