"""python -m benchmarks [--scale small|full] [NAME…]: one table, and benchmarks/results/<time>.json."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import analytics, ingest, logs, me, mine, page, parser, push, up
from benchmarks.dataset import SCALES, Scale
from benchmarks.figure import Figure

# The one list: a name and the function that measures, on as much data as is asked for where there is any.
BENCHMARKS: dict[str, Callable[[Scale], list[Figure]]] = {
    "me": lambda _: me.measure(),
    "up": lambda _: up.measure(),
    "page": lambda _: page.measure(),
    "ingest": ingest.measure,
    "parser": parser.measure,
    "push": push.measure,
    "logs": logs.measure,
    "analytics": analytics.measure,
    "mine": lambda _: mine.measure(),
}
RESULTS = Path(__file__).parent / "results"


def main(names: list[str], scale: Scale) -> int:
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        sys.stderr.write(f"benchmarks: no {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.\n")
        return 2
    found: dict[str, list[Figure]] = {}
    for name in names or BENCHMARKS:
        sys.stderr.write(f"{name} …\n")
        found[name] = BENCHMARKS[name](scale)
    show(found)
    print(f"Written to {write(found)}")
    return 0


def show(found: dict[str, list[Figure]]) -> None:
    table = Table("benchmark", "what", "median", "unit", "ratio", "of", "aim", box=None, header_style="bold")
    for name, figures in found.items():
        for figure in figures:
            ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
            table.add_row(name, figure.name, f"{figure.value:,.2f}", figure.unit, ratio, figure.of, figure.aim)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def write(found: dict[str, list[Figure]]) -> Path:
    at = datetime.now(UTC)
    machine = {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
    figures = {name: [asdict(figure) for figure in rows] for name, rows in found.items()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps({"at": at.isoformat(), "machine": machine, "benchmarks": figures}, indent=2) + "\n")
    return path.relative_to(RESULTS.parent.parent)


arguments = argparse.ArgumentParser(prog="benchmarks", description="How fast, as ratios within one run.")
arguments.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; default: all")
arguments.add_argument("--scale", choices=SCALES, default="small", help="how much data: 300,000 messages, or 3,000,000")
chosen = arguments.parse_args()
sys.exit(main(chosen.names, SCALES[chosen.scale]))
