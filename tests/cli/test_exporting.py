"""tally export, as typed: the file that the API gives, on record as an operator's."""

import os
import pty
import re
import subprocess
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from app.analytics import export, files
from app.cli import exporting
from app.db.addresses import Addresses
from app.db.engine import Database
from app.models.audit_log import AuditLog
from tests.cli.terminal import TALLY, Terminal
from tests.factories import Logbook, at
from tests.people import Company
from tests.server import plain

NOON = at("2026-05-03T12:00")
MAY = ("--start", "2026-05-01", "--end", "2026-05-31")


@pytest.fixture
def typed(terminal: Terminal, addresses: Addresses) -> Terminal:
    return terminal.with_(DATABASE_URL=plain(addresses.application))


@pytest.fixture
async def busy(database: Database, company: Company) -> Company:
    log = Logbook(database, company.id)
    session = log.session(NOON, user_id=company.viewer.id)
    for agent in ("=1+1", "b", None):
        log.message(session, NOON, agent_name=agent, model_id="m", input_tokens=2, cost_micros=1_500_000)
        log.call(session, NOON, name="grep")
    await log.write()
    return company


async def exports(database: Database, account: Any) -> list[Any]:
    rows = select(AuditLog.client_kind, AuditLog.user_id, AuditLog.parameters, AuditLog.result)
    async with database.transaction(account, read_only=True) as tx:
        chosen = rows.where(AuditLog.account_id == account, AuditLog.action == "query.export")
        return list((await tx.connection.execute(chosen.order_by(AuditLog.at))).all())


def test_kinds_and_formats_are_those_of_the_api() -> None:
    assert get_args(exporting.Kind) == get_args(export.Kind) == tuple(export.TABLES)
    assert get_args(exporting.Format) == get_args(files.Format)
    for kind, name in exporting.SORTED_BY.items():
        assert name in export.TABLES[kind].columns  # type: ignore[index]


@pytest.mark.parametrize(
    "case",
    [
        ("messages", "csv", {"agent": ["=1+1", "unknown"], "model": ["m"]}),
        ("tool_calls", "ndjson", {"user_id": True}),
        ("sessions", "parquet", {"timezone": "Asia/Kathmandu"}),
        ("daily", "csv", {}),
    ],
)
async def test_the_file_is_the_one_that_the_api_gives(
    typed: Terminal, client: httpx.AsyncClient, busy: Company, case: tuple[str, str, dict[str, Any]]
) -> None:
    kind, format_, filters = case
    asked = {name: str(busy.viewer.id) if value is True else value for name, value in filters.items()}
    window = {"start_date": "2026-05-01", "end_date": "2026-12-31" if kind == "sessions" else "2026-05-31"}
    answer = await client.get(
        "/api/v1/analytics/export",
        headers=busy.admin.headers,
        params={"kind": kind, "format": format_, **window, **asked},
    )
    assert answer.status_code == 200
    given = [
        part
        for name, values in asked.items()
        for value in (values if isinstance(values, list) else [values])
        for part in (f"--{name.replace('_', '-')}", value)
    ]
    path = typed.folder / "out"
    told = typed.report(
        "export", kind, "--account", busy.id, "--format", format_, *given, "--output", path,
        "--start", window["start_date"], "--end", window["end_date"],
    )  # fmt: skip
    assert path.read_bytes() == answer.content
    assert (told["bytes"], told["kind"], told["file"]) == (len(answer.content), kind, str(path))
    assert told["rows"] == {"messages": 2, "tool_calls": 3, "sessions": 1, "daily": 31}[kind]


async def test_without_a_file_it_is_written_out_and_it_is_on_record_as_an_operator_s(
    typed: Terminal, database: Database, busy: Company
) -> None:
    ended = typed.tally("export", "messages", "--account", busy.id, *MAY, "--agent", "b")
    assert (ended.code, ended.err, len(ended.out.splitlines())) == (0, "", 2)
    (row,) = await exports(database, busy.id)
    assert (row.client_kind, row.user_id, row.result) == ("cli", None, "done")
    assert row.parameters == {
        "kind": "messages",
        "format": "csv",
        "start_date": "2026-05-01T00:00:00Z",
        "end_date": "2026-05-31T23:59:59.999999Z",
        "timezone": "UTC",
        "agent": "b",
    }


async def test_no_other_account_s_rows_are_in_it(typed: Terminal, busy: Company, other_company: Company) -> None:
    ended = typed.tally("export", "messages", "--account", other_company.id, *MAY)
    assert len(ended.out.splitlines()) == 1


async def test_what_cannot_be_had_is_one_sentence_and_leaves_what_was_there(
    typed: Terminal, database: Database, busy: Company
) -> None:
    path = typed.folder / "out"
    path.write_text("before")

    def refused(kind: str, *given: object, account: object = busy.id) -> str:
        return typed.tally("export", kind, "--account", account, "--output", path, *given).sentence

    assert refused("daily", account=uuid4()).startswith("There is no account with this id")
    assert refused("daily", "--start", "2026-05-02", "--end", "2026-05-01") == "--start: must not be after --end."
    assert refused("daily", "--start", "soon").startswith("--start: must be a day such as 2026-05-03")
    assert refused("daily", "--timezone", "Nowhere").startswith("--timezone: must be an IANA time zone")
    assert refused("tool_calls", "--agent", "a") == "--agent: cannot be asked of tool_calls."
    assert refused("daily", "--output", typed.folder / "no" / "x").endswith(
        "cannot be used: No such file or directory."
    )
    assert [file.name for file in typed.folder.iterdir() if file.name.startswith("out")] == ["out"]
    assert path.read_text() == "before"
    assert await exports(database, busy.id) == []


def test_a_report_without_a_file_is_wrong_usage(typed: Terminal, company: Company) -> None:
    ended = typed.tally("export", "daily", "--account", company.id, "--json")
    assert (ended.code, "--output" in ended.err) == (2, True)


def on_a_terminal(typed: Terminal, *arguments: object) -> tuple[bytes, str]:
    """What goes into a pipe, and what a person sees meanwhile."""
    ours, theirs = pty.openpty()
    environment = {**typed._environment, "TERM": "xterm", "COLUMNS": "100"}
    try:
        done = subprocess.run(
            [str(TALLY), *map(str, arguments)], stdout=subprocess.PIPE, stderr=theirs, env=environment,
            cwd=typed.folder, timeout=60, check=True,
        )  # fmt: skip
        return done.stdout, os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)


async def test_a_person_sees_how_far_it_is_and_how_much_it_was(typed: Terminal, busy: Company) -> None:
    given = ("export", "messages", "--account", busy.id, *MAY)
    written, shown = on_a_terminal(typed, *given)
    assert len(written.splitlines()) == 4
    assert "export" in shown
    assert "%" in shown
    told = typed.tally(*given, "--output", typed.folder / "may.csv").out
    assert re.search(r"^rows +3$", told, re.MULTILINE)
