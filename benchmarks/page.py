"""The dashboard in Chromium, against `tally up` with its demo: frontend/e2e/speed.test.ts measures, this reads."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figure import Figure

FRONTEND = Path(__file__).parent.parent / "frontend"
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
PATIENCE_S = 600


def measure() -> list[Figure]:
    if not CHROMIUM.exists():
        sys.stderr.write(f"There is no {CHROMIUM}: the dashboard is not measured. CHROMIUM may name another.\n")
        return []
    if not (FRONTEND / "node_modules").exists():
        npm("ci", "--no-audit", "--no-fund")
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        written = Path(folder) / "figures.json"
        npm("run", "--silent", "e2e", "--", "speed", TALLY_FIGURES=str(written))
        return [Figure(**figure) for figure in json.loads(written.read_text())]


def npm(*arguments: str, **environment: str) -> None:
    around = {**os.environ, "TALLY_PYTHON": sys.executable, "NO_COLOR": "1", **environment}
    subprocess.run(["npm", *arguments], cwd=FRONTEND, env=around, stdout=sys.stderr, timeout=PATIENCE_S, check=True)
