"""How the server ends, when the end comes at an odd moment."""

import signal
import subprocess
import sys

import pytest

from tests.process import ROOT

# What uvicorn raises once more at its end may be lost where nobody can be interrupted: here it always is.
SERVED = """
import os, signal, sys
from fastapi import FastAPI
from app.cli.process import listen, serve
signal.raise_signal = lambda number: None
serve(FastAPI(), listen("127.0.0.1", 0), lambda: os.kill(os.getpid(), int(sys.argv[1])))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_exit_code_names_the_signal_though_it_is_raised_no_second_time(number: signal.Signals) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SERVED, str(int(number))], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 128 + number, ended.stderr
