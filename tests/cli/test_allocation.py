"""Memory that was large goes back to the system as soon as it is let go of."""

import subprocess
import sys

import pytest

MIB = 2**20
# One such block freed, glibc keeps those after it, here under small ones that stay.
GROWN = f"""
import psutil
from app.cli.allocation import give_back_at_once
{{told}}
first = bytearray({20 * MIB}); del first
before = psutil.Process().memory_info().rss
large = bytearray(b"x" * {10 * MIB}); small = [bytes(1_000) for _ in range(1_000)]; del large
print(psutil.Process().memory_info().rss - before)
"""


def grown(told: str) -> int:
    script = [sys.executable, "-c", GROWN.format(told=told)]
    return int(subprocess.run(script, capture_output=True, check=True, text=True, timeout=60).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries do as they like")
def test_a_large_block_is_given_back_although_another_was_freed_before() -> None:
    assert grown("give_back_at_once()") < 5 * MIB
    assert grown("") > 8 * MIB
