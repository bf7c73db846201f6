"""The front end: its types, its size, and all of it against a running Tally, in a browser too; where npm is present."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parent.parent / "frontend"
LOCK = FRONTEND / "package-lock.json"
INSTALLED = FRONTEND / "node_modules" / ".package-lock.json"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PATIENCE_S = 480

pytestmark = [
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed: the front end stays untested here."),
    pytest.mark.timeout(PATIENCE_S + 30),
]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime:
        npm("ci", "--no-audit", "--no-fund")


def test_types_hold_and_are_those_of_the_openapi_description() -> None:
    npm("run", "check")


def test_the_dashboard_can_be_built_and_is_light_enough() -> None:
    npm("run", "bundle")


def test_client_hooks_and_pages_hold_against_a_running_tally() -> None:
    npm("test")


@pytest.mark.skipif(
    not Path(CHROMIUM).exists(),
    reason=f"There is no {CHROMIUM}: the dashboard is not tried in a browser here. CHROMIUM may name another.",
)
def test_the_dashboard_holds_in_a_browser() -> None:
    npm("run", "e2e")


def npm(*arguments: str) -> None:
    """In a session of its own, so that nothing it started outlives it; what it said is shown when it fails."""
    environment = {**os.environ, "TALLY_PYTHON": sys.executable, "NO_COLOR": "1"}
    process = subprocess.Popen(
        ["npm", *arguments],
        cwd=FRONTEND,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
    assert process.returncode == 0, said
