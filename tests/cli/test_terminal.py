"""What strangers wrote reaches a terminal as what it is, not as what it would do there."""

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.cli.terminal import visible
from app.db.addresses import Addresses
from tests.cli.push.machine import session
from tests.cli.terminal import Ended, Terminal
from tests.people import Company
from tests.server import plain

EVIL, SEEN = "a\x1b]0;owned\x07\nb", r"a\x1b]0;owned\x07\nb"


@contextmanager
def refusing(detail: str) -> Iterator[str]:
    """A server that has one thing to say."""
    said = json.dumps({"detail": detail}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(403)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def harmless(ended: Ended) -> str:
    """All that was printed: lines of what can be seen."""
    told = ended.out + ended.err
    assert all(line.isprintable() for line in told.split("\n")), told
    return told


@pytest.fixture
def alone(terminal: Terminal, tmp_path: Path) -> Terminal:
    return terminal.with_(HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path / "state"), NO_PROXY="*")


def test_what_can_be_seen_stays_and_the_rest_is_spelled_out() -> None:
    assert visible("Zoë, 日本 — “ok” \\n") == "Zoë, 日本 — “ok” \\n"
    assert visible(EVIL) == SEEN
    assert visible("\u202e\x9b\udcff\u2028") == r"\u202e\x9b\udcff\u2028"


def test_names_of_logs_do_nothing_to_a_terminal(alone: Terminal, tmp_path: Path) -> None:
    logs = tmp_path / EVIL
    logs.mkdir()
    (logs / "poison.jsonl.zst").write_bytes(b"no zstd at all")
    (logs / "other.jsonl").write_text('{"some": "thing"}\n')
    (logs / "broken.jsonl").write_bytes(b"nonsense\n" + session(1))
    (logs / "gone.jsonl").symlink_to(logs / "nowhere")
    told = harmless(alone.tally("push", logs, "--dry-run", "--patience", 0))
    for name in ("poison.jsonl.zst: It is no", "other.jsonl is no", "broken.jsonl:1", "gone.jsonl: It cannot"):
        assert f"{SEEN}/{name}" in told
    assert f"{SEEN}/nothing" in harmless(alone.tally("push", logs / "nothing", "--dry-run"))
    found = alone.tally("push", logs, "--dry-run", "--patience", 0, "--json")
    assert {str(Path(one["file"]).parent) for one in found.json["failures"]} == {str(logs)}


def test_a_server_s_words_do_nothing_to_a_terminal(alone: Terminal, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(session(1))
    with refusing(f"It says {EVIL}.") as url:
        ended = alone.with_(TALLY_URL=url, TALLY_API_KEY="tly_1").tally("push", log)
    assert ended.code == 1
    assert f"It says {SEEN}." in harmless(ended)


def test_names_of_journals_do_nothing_to_a_terminal(
    terminal: Terminal, addresses: Addresses, company: Company, tmp_path: Path
) -> None:
    typed = terminal.with_(DATABASE_URL=plain(addresses.application))
    journal = tmp_path / EVIL
    journal.write_text('nonsense\n{"type": "turn')
    given = ("import", journal, "--account", company.id)
    assert f"{SEEN}:1: " in harmless(typed.tally(*given))
    told = harmless(typed.tally(*given, "--best-effort"))
    assert f"{SEEN}: its last line waits" in told
    assert f"{SEEN}:1: The line is not JSON" in told
    assert SEEN in harmless(typed.tally("import", f"{journal}.gone", "--account", company.id))


@pytest.mark.parametrize("on_terminal", [False, True])
def test_names_beside_a_bar_do_nothing_to_a_terminal(on_terminal: bool) -> None:  # noqa: FBT001 - a case of it
    shown = f"from app.cli.progress import share\nwith share({EVIL + '[red]'!r}, lines=True) as reach: reach(1, 1)"
    keeper, terminal = pty.openpty() if on_terminal else os.pipe()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    subprocess.run([sys.executable, "-c", shown], stderr=terminal, env=environment, check=True, timeout=60)
    told = os.read(keeper, 100_000)
    os.close(terminal)
    os.close(keeper)
    assert (SEEN + "[red]").encode() in told
    assert b"\x1b]0" not in told
    assert b"\x07" not in told
