"""docs/integrate.md: what it shows runs, and what it names is there."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.admin.founding import create_key
from app.db.addresses import Addresses
from tests.factories import Logbook, ago, at
from tests.openapi_written import described_now
from tests.people import Company
from tests.process import serving, tally

PAGE = Path(__file__).parents[2] / "docs" / "integrate.md"


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def command(language: str, code: str) -> list[str]:
    match language:
        case "sh":
            return ["bash", "-ec", code]
        case "python":
            return [sys.executable, "-c", code]
        case _:
            # Node runs it once its only type is gone.
            return [
                "node",
                "--input-type=module",
                "-e",
                re.sub(r"(?<=\(day): \{.*?\}", "", code) + "console.log(points);",
            ]


@pytest.mark.parametrize("case", [("sh", '"total_messages":30'), ("python", "███ 30"), ("ts", ", 30 ]")])
async def test_the_examples_run(
    addresses: Addresses, log: Logbook, company: Company, case: tuple[str, str], tmp_path: Path
) -> None:
    language, shown = case
    if language == "ts" and shutil.which("node") is None:
        pytest.skip("there is no Node here")
    for time in (ago(), at("2026-05-03")):
        log.messages(*[time] * 30)
    await log.write()
    _, key = await create_key(log.database, company.engineer.id)
    with tally(tmp_path, "serve", **serving(addresses, "s" * 40)) as running:
        code = example(language).replace("http://127.0.0.1:8000", running.url).replace("tly_…", key.text)
        environment = {**os.environ, "TALLY_URL": running.url, "TALLY_API_KEY": key.text}
        told = await asyncio.to_thread(
            subprocess.run, command(language, code), env=environment, capture_output=True, text=True, check=False
        )
    assert told.returncode == 0, told.stderr
    assert shown in told.stdout


def test_every_number_it_defines_is_one_that_reports_show() -> None:
    shown = {
        name for shape in described_now()["components"]["schemas"].values() for name in shape.get("properties", ())
    }
    table = PAGE.read_text().partition("## What every number means")[2].partition("\n\nThe days")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")][1:]
    named = {name for cell in first for name in re.findall(r"`([a-z_0-9]+)`", cell)} - {"avg_", "median_"}
    assert len(named) > 15
    for name in named:
        assert name in shown, name
