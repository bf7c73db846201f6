"""tally bench: how fast, as ratios within one run; where the benchmarks are present."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.operator import Misconfigured

SOURCE = Path(__file__).parents[2]
# What the benchmarks need beyond the program.
NEEDED = ("duckdb", "psutil")


def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Which; default: all.")] = None,
    scale: Annotated[Literal["small", "full"], typer.Option(help="300,000 messages, or 3,000,000.")] = "small",
) -> None:
    """Measure how fast Tally is, as ratios within one run. Needs a source checkout, as `make bench` does."""
    if not (SOURCE / "benchmarks" / "__main__.py").exists():
        raise Misconfigured("The benchmarks are not part of the installed program: run `make bench` in Tally's source.")
    if not all(map(find_spec, NEEDED)):
        raise Misconfigured(
            f"The benchmarks need what the tests need: run `make bench` in {SOURCE}, which installs it."
        )
    command = [sys.executable, "-m", "benchmarks", "--scale", scale, *(names or [])]
    raise typer.Exit(subprocess.run(command, cwd=SOURCE, check=False).returncode)


def register(cli: typer.Typer) -> None:
    cli.command("bench", epilog="Example: tally bench analytics --scale full")(bench)
