"""tally up: everything from nothing, and nothing left."""

import re
import signal
import subprocess
from pathlib import Path

import httpx
import orjson
import pytest

from tests.cli.conftest import free_port
from tests.cli.terminal import Running, Terminal, gone
from tests.server import plain, reachable, running


def demo_keys(out: str) -> dict[str, str]:
    return dict(re.findall(r"^  (viewer|engineer|admin|owner) +(tly_\S+)$", out, re.MULTILINE))


def test_the_printed_curl_works_as_pasted(up: Running) -> None:
    _, _, after = up.out.partition("Try it:\n")
    command = after.splitlines()[0].strip()
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=True)
    assert orjson.loads(done.stdout)["account_role"] == "engineer"


@pytest.mark.parametrize("role", ["viewer", "engineer", "admin", "owner"])
def test_there_is_a_demo_key_for_each_role(up: Running, port: int, role: str) -> None:
    base = f"http://127.0.0.1:{port}/api/v1"
    signed = httpx.post(f"{base}/auth/token", json={"api_key": demo_keys(up.out)[role]}).json()["access_token"]
    me = httpx.get(f"{base}/me", headers={"Authorization": f"Bearer {signed}"}).json()
    assert (me["account_role"], me["account_name"]) == (role, "Demo company")


def test_the_worker_shows_that_it_is_alive(up: Running) -> None:
    up.wait_for('"event":"working"')
    assert (up.out_file.parent / "data" / "worker-alive").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_start_has_the_same_keys_and_stopping_leaves_nothing(terminal: Terminal, number: int) -> None:
    seen = []
    for _ in range(2):
        with terminal.running("up", "--port", free_port()) as running:
            seen.append(demo_keys(running.wait_for('"event":"working"')))
            family = running.family()
            assert running.end(number) == 128 + number
            assert gone(family)
            assert "Traceback" not in running.err
    assert seen[0] == seen[1]
    assert len(seen[0]) == 4


def test_kill_9_leaves_nothing(terminal: Terminal) -> None:
    with terminal.running("up", "--port", free_port()) as running:
        running.wait_for('"event":"working"')
        family = running.family()
        assert {"postgres", "python"} <= {re.sub(r"[\d.]+$", "", process.name()) for process in family} | {"python"}
        running.end(signal.SIGKILL)
        assert gone(family)


def test_no_demo_means_none(terminal: Terminal) -> None:
    with terminal.running("up", "--port", free_port(), "--no-demo") as running:
        out = running.wait_for("Ctrl-C stops everything")
        assert "tly_" not in out
        assert "tally account create" in out
        assert terminal.report("account", "list") == []


def test_a_damaged_note_of_the_demo_is_no_note(terminal: Terminal) -> None:
    (terminal.folder / "data").mkdir()
    (reachable(terminal.folder / "data") / "demo.json").write_text("{")
    with terminal.running("up", "--port", free_port()) as running:
        assert len(demo_keys(running.wait_for("Ctrl-C stops everything"))) == 4


def test_a_try_with_another_database_leaves_the_keys_of_this_one(terminal: Terminal) -> None:
    with running() as addresses:
        other = {"DATABASE_URL": plain(addresses.application), "MIGRATION_DATABASE_URL": plain(addresses.owner)}
        (terminal.folder / "data").mkdir(mode=0o700)
        note = terminal.folder / "data" / "demo.json"
        note.write_text('{"account": "kept"}')
        for _ in range(2):
            with terminal.with_(**other).running("up", "--port", free_port()) as up:
                assert len(demo_keys(up.wait_for("Ctrl-C stops everything"))) == 4
                up.end()
    assert note.read_text() == '{"account": "kept"}'


def test_secrets_are_private_files(up: Running) -> None:
    data = Path(up.out_file.parent / "data")
    for name in ("jwt-secret", "demo.json"):
        assert (data / name).stat().st_mode & 0o777 == 0o600
