"""What goes wrong on the machine itself: each thing is said, and keeps nothing else back."""

import asyncio
import os
import re
import signal
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
import zstandard

from app.cli.push.lock import alone
from tests.cli.push.machine import OWN, Machine, copied, many, session, stopped
from tests.dying import dying
from tests.test_secrets import SECRETS
from tests.transcripts.corpus import PROVIDED, SAMPLES, Tree

TREE = Tree(PROVIDED if PROVIDED.is_dir() else SAMPLES)


async def test_poison_keeps_no_good_file_back(machine: Machine) -> None:
    logs = many(machine.home / "logs", 3)
    (logs / "broken.jsonl.zst").write_bytes(b"no zstd at all")
    (logs / "gone.jsonl").symlink_to(logs / "nowhere")
    (logs / "empty.jsonl").touch()
    (logs / "noise.jsonl").write_bytes(os.urandom(100_000))
    (logs / "other.jsonl").write_text('{"some": "thing"}\n')
    (logs / "deep.jsonl").write_bytes(b'{"sessionId":"deep","a":' + b"[" * 100_000 + b"\n" + session(77))
    (logs / "half.jsonl").write_bytes(session(88)[:-30] + b"\0\0\n" + session(89)[5:])
    ended = machine.push(logs, "--json")
    assert ended.code == 1
    failures = {Path(one["file"]).name: one["reason"] for one in ended.json["failures"]}
    assert failures.keys() == {"broken.jsonl.zst", "gone.jsonl"}
    assert "zstd" in failures["broken.jsonl.zst"]
    assert ended.json["files"] == {
        "found": 10,
        "pushed": 5,
        "unchanged": 0,
        "no_session_log": 3,
        "failed": 2,
        "left": 0,
    }
    assert len(await machine.totals()) == 6
    again = machine.push(logs)
    assert again.code == 1
    assert again.err.count("\n") == 2
    assert f"{logs}/gone.jsonl: It cannot be looked at: No such file or directory." in again.err
    assert "10 found: 0 pushed, 8 unchanged, 2 failed" in again.out


async def test_a_packed_log_that_ends_in_the_middle_is_said_and_comes_again(machine: Machine) -> None:
    logs = many(machine.home / "logs", 1)
    whole = zstandard.compress(session(7, 400))
    packed = logs / "late.jsonl.zst"
    for cut in (0, 3, len(whole) // 2, len(whole) - 1):
        packed.write_bytes(whole[:cut])
        for way in ((), ("--raw",)):
            ended = machine.push(logs, *way)
            assert ended.code == 1
            assert f"{packed}: It is packed and ends in the middle" in ended.err
            assert "1 failed" in ended.out
    packed.write_bytes(whole)
    assert machine.pushed(logs)["files"]["pushed"] == 1
    assert (await machine.totals())[f"{OWN}{7:012}"]["calls"] == 400
    assert machine.pushed(logs)["files"] | {"unchanged": 0} == {
        "found": 2, "pushed": 0, "unchanged": 0, "no_session_log": 0, "failed": 0, "left": 0,
    }  # fmt: skip


def test_a_file_that_may_not_be_read_is_said(machine: Machine) -> None:
    logs = many(machine.home / "logs", 2)
    (logs / "session-0000.jsonl").chmod(0)
    if os.access(logs / "session-0000.jsonl", os.R_OK):
        pytest.skip("Who runs this may read everything.")
    ended = machine.push(logs)
    assert ended.code == 1
    assert "session-0000.jsonl: It cannot be read: Permission denied." in ended.err


async def test_links_that_lead_back_are_said_and_followed_once(machine: Machine) -> None:
    logs = many(machine.home / "logs" / "deep", 2).parent
    (logs / "deep" / "back").symlink_to(logs)
    (logs / "self").symlink_to(logs / "self")
    (logs / "same.jsonl").symlink_to(logs / "deep" / "session-0000.jsonl")
    ended = machine.push(logs, "--json")
    report = ended.json
    assert report["files"]["pushed"] == 2
    assert any("deep/back" in note for note in report["notes"])
    assert [Path(one["file"]).name for one in report["failures"]] == ["self"]


async def test_a_push_that_is_killed_is_made_good_by_the_next(machine: Machine) -> None:
    logs = copied(TREE, machine.home / "logs")
    many(logs / "more", 400)
    for seconds in (0.6, 0.9, 1.2, 1.6):
        with machine.pushing(logs) as running:
            await asyncio.sleep(seconds)
            family = running.family()
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(20)
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive, "what it started outlives it"
    machine.pushed(logs)
    await machine.has_all_of(TREE)
    assert machine.pushed(logs)["rows"]["read"] == 0


async def test_a_push_killed_at_any_step_loses_and_doubles_nothing(machine: Machine) -> None:
    """There is something new each time, so that every step is one that matters."""
    logs, step, has_died = copied(TREE, machine.home / "logs"), 0, True
    with dying("tests.cli.push.killed", machine.terminal.environment) as died:
        while has_died:
            step += 1
            (logs / f"new-{step}.jsonl").write_bytes(session(step))
            with (logs / "grows.jsonl").open("ab") as file:
                file.write(session(99, step).splitlines(keepends=True)[-1] + stopped(99, step))
            has_died = await asyncio.to_thread(died, step, logs)
            machine.pushed(logs)
            there = {file["name"].rpartition("/")[2]: file["sha256"] for file in await machine.files()}
            for log in (logs / "grows.jsonl", logs / f"new-{step}.jsonl"):
                assert there[log.name] == sha256(log.read_bytes()).hexdigest()
    assert step > 10
    await machine.has_all_of(TREE)
    found = await machine.totals()
    assert [found[f"{OWN}{n:012}"]["calls"] for n in (99, *range(1, step + 1))] == [step] + [4] * step
    assert machine.pushed(logs)["rows"]["read"] == 0
    killed = await machine.friction()
    assert len(await machine.files()) == len(TREE.logs) + step + 1
    machine.forget()
    async with machine.database.transaction(machine.company.id) as tx:
        await tx.driver.execute("DELETE FROM transcripts WHERE account_id = $1", machine.company.id)
    machine.pushed(logs)
    assert await machine.friction() == killed


def sums(line: str) -> list[int]:
    """The numbers of a line of the summary: the whole, then its parts."""
    return [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", line)]


async def test_ctrl_c_says_how_to_go_on(machine: Machine) -> None:
    logs = many(machine.home / "logs", 1500, lines=20)
    with machine.pushing(logs) as running:
        while not await machine.totals():
            await asyncio.sleep(0.01)
        family = running.family()
        assert running.end(signal.SIGINT) == 1
        assert "goes on from there" in running.err
        files, rows = (sums(line) for line in running.out.splitlines()[:2])
        assert files[0] == sum(files[1:]) == 1500
        assert rows[0] == sum(rows[1:]) > 0
        assert "Traceback" not in running.err
    assert not psutil.wait_procs(family, timeout=20)[1]
    machine.pushed(logs)
    assert len(await machine.totals()) == 1500


async def test_a_reader_that_dies_costs_time_and_nothing_else(machine: Machine) -> None:
    logs = many(machine.home / "logs", 1500, lines=20)
    with machine.pushing(logs, "--json") as running:
        while len(running.family()) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.15)
        running.family()[1].kill()
        assert running.process.wait(60) == 0, running.err
    assert len(await machine.totals()) == 1500
    assert len(await machine.files()) == 1500


def test_one_push_at_a_time(machine: Machine) -> None:
    logs = many(machine.home / "logs", 1)
    machine.pushed(logs)
    (kept,) = (machine.home / "state" / "tally").glob("*.lock")
    with alone(kept):
        assert f"pid {os.getpid()}" in machine.push(logs).sentence
    machine.pushed(logs)


async def test_secrets_do_not_leave_in_rows(machine: Machine) -> None:
    secret = SECRETS["anthropic"].encode()
    (machine.home / "log.jsonl").write_bytes(
        session(1).replace(b"req_1_0", secret).replace(b'"/w"', b'"/' + secret + b'"')
    )
    report = machine.pushed(machine.home / "log.jsonl")
    assert report["secrets_redacted"] >= 2
    ((totals),) = (await machine.totals()).values()
    assert totals["calls"] == 4
    async with machine.database.transaction(machine.company.id) as tx:
        (row,) = await tx.driver.fetch("SELECT workspace FROM ai_sessions WHERE account_id = $1", machine.company.id)
    assert "redacted" in row["workspace"]
    assert secret.decode() not in row["workspace"]


def test_wrong_usage_is_2(machine: Machine) -> None:
    assert machine.push(machine.home / "nowhere").code == 2
    assert machine.with_(TALLY_API_KEY="").push(machine.home).code == 2
    assert machine.with_(TALLY_URL="tally.example").push(machine.home).code == 2
    assert machine.push(machine.home, "--watch", "--dry-run").code == 2


async def test_a_name_in_capitals_is_a_log_s_too(machine: Machine) -> None:
    logs = machine.home / "logs"
    logs.mkdir()
    (logs / "ONE.JSONL").write_bytes(session(1))
    (logs / "TWO.JSONL.ZST").write_bytes(zstandard.compress(session(2)))
    assert machine.pushed(logs)["files"]["pushed"] == 2
    assert sorted(row["name"].rpartition("/")[2] for row in await machine.files()) == ["ONE.jsonl", "TWO.jsonl"]
    assert machine.pushed(logs)["files"]["unchanged"] == 2


def test_where_nothing_was_found_it_is_said(machine: Machine) -> None:
    pipe, folder = machine.home / "pipe.jsonl", machine.home / "empty"
    os.mkfifo(pipe)
    folder.mkdir()
    ended = machine.push(pipe, folder, "--dry-run")
    assert ended.code == 0
    assert f"{pipe}: It is neither a folder nor a file." in ended.out
    assert "No log was found there" in ended.out


def test_a_log_without_an_end_of_a_line_is_said_to_wait(machine: Machine) -> None:
    log = machine.home / "log.jsonl"
    log.write_bytes(session(1).replace(b"\n", b"\r"))
    ended = machine.push(log, "--dry-run")
    assert f"{log} has no end of a line (LF) yet: all of it waits for one." in ended.out
    log.write_bytes(session(1) + b'{"type"')
    assert "no end of a line" not in machine.push(log, "--dry-run").out
