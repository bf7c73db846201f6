"""/export: every row of a window, in three formats, for spreadsheets that must not run it, in constant memory."""

import csv
import importlib
import io
import json
import tracemalloc
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pyarrow.parquet
import pytest

from app.analytics import export, files
from app.analytics.parameters import WindowQuery
from app.analytics.sources import Filters
from app.analytics.window import Window
from app.db.engine import Database
from app.settings import Settings
from app.web.downloads import Download
from tests.analytics.conftest import Read
from tests.audit_rows import audited
from tests.factories import Logbook, at
from tests.people import Company
from tests.problem import is_problem

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
NOON = at("2026-05-03T12:00")
ADDRESS = "/api/v1/analytics/export"
KINDS = ("messages", "tool_calls", "sessions", "daily")


async def download(client: httpx.AsyncClient, company: Company, **parameters: Any) -> httpx.Response:
    answer = await client.get(ADDRESS, headers=company.admin.headers, params={**MAY, **parameters})
    assert answer.status_code == 200, answer.text
    return answer


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def a_day(log: Logbook, company: Company) -> None:
    session = log.session(NOON, user_id=company.viewer.id, workspace="=cmd()", workspace_at=NOON)
    log.message(session, NOON, agent_name="=1+1", model_id="m", input_tokens=2, cost_micros=1_500_000)
    log.message(session, NOON, role="user", output_tokens=3, cost_micros=None)
    log.call(session, NOON, name="@tool", given_duration_ms=-0)
    await log.write()


async def test_the_formats_hold_the_same_rows(client: httpx.AsyncClient, log: Logbook, company: Company) -> None:
    await a_day(log, company)
    for kind in KINDS:
        as_csv = lines((await download(client, company, kind=kind)).text)
        as_json = [
            json.loads(row) for row in (await download(client, company, kind=kind, format="ndjson")).text.splitlines()
        ]
        parquet = (await download(client, company, kind=kind, format="parquet")).content
        as_parquet = pyarrow.parquet.read_table(io.BytesIO(parquet)).to_pylist()
        assert len(as_csv) == len(as_json) == len(as_parquet) > 0
        for row, same, and_again in zip(as_csv, as_json, as_parquet, strict=True):
            assert row.keys() == same.keys() == and_again.keys()
            assert {name: files.cell(value) for name, value in and_again.items()} == {
                name: files.cell(value) if "_at" not in name else value
                for name, value in in_types(same, and_again).items()
            }


def in_types(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no instants and no days."""
    return {
        name: value if isinstance(like[name], str | int | float | None) else files.cell(like[name])
        for name, value in row.items()
    }


async def test_messages_have_numbers_names_and_money(client: httpx.AsyncClient, log: Logbook, company: Company) -> None:
    await a_day(log, company)
    rows = lines((await download(client, company, kind="messages")).text)
    assert {row["role"]: row["cost_usd"] for row in rows} == {"assistant": "1.500000", "user": ""}
    assert {row["created_at"] for row in rows} == {"2026-05-03T12:00:00Z"}
    assert {row["user_id"] for row in rows} == {str(company.viewer.id)}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize(
    "unseen", ["", " ", "\n", "\N{NO-BREAK SPACE}", "\u200b\u2060", "\ufeff", "\u3000 ", "\x00\x7f", "\u202e"]
)
def test_a_formula_behind_what_nobody_sees_is_one_too(unseen: str, sign: str) -> None:
    assert files.cell(f"{unseen}{sign}1") == f"'{unseen}{sign}1"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_shows_what_it_would_run(text: str) -> None:
    assert files.cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "written"),
    [("a;=1", '"a;=1"'), (";=1", '";=1"'), ('a"b', '"a""b"'), ("a,b", '"a,b"'), ("a\nb", '"a\nb"'), ("a b", "a b")],
)
def test_a_field_that_some_country_would_part_stands_in_quotes(value: str, written: str) -> None:
    assert files.field(value) == written
    assert next(csv.reader(io.StringIO(f"{written}\r\n", newline=""))) == [value]


@pytest.mark.parametrize("value", ["a=1", "", " x", "x =1", "\ufeffx", 1, -1, None, 1.5])
def test_everything_else_stays_as_it_is(value: object) -> None:
    assert files.cell(value) == value


async def test_formulas_are_disarmed_in_csv_alone(client: httpx.AsyncClient, log: Logbook, company: Company) -> None:
    await a_day(log, company)
    assert "'=1+1" in (await download(client, company, kind="messages")).text
    assert "'@tool" in (await download(client, company, kind="tool_calls")).text
    assert "'=cmd()" in (await download(client, company, kind="sessions", end_date="2026-12-31")).text
    assert '"=1+1"' in (await download(client, company, kind="messages", format="ndjson")).text


async def test_windows_and_filters_are_those_of_the_reports(
    client: httpx.AsyncClient, log: Logbook, company: Company, read: Read
) -> None:
    session = log.session(NOON)
    for time in ("2026-04-30T23:59:59.999999", "2026-05-01", "2026-05-31T23:59:59.999999", "2026-06-01"):
        for agent in (None, "a", "b"):
            log.message(session, at(time), agent_name=agent, model_id="m" if agent else None)
        log.call(session, at(time))
    await log.write()
    for given, n in (({}, 6), ({"agent": "unknown"}, 2), ({"agent": ["a", "b"]}, 4), ({"model": "m"}, 4)):
        rows = lines((await download(client, company, kind="messages", **given)).text)
        assert len(rows) == n == (await read("usage", **MAY, **given))["total_messages"]
        days = lines((await download(client, company, kind="daily", **given)).text)
        assert (len(days), sum(int(day["messages"]) for day in days)) == (31, n)
    assert len(lines((await download(client, company, kind="tool_calls")).text)) == 2


@pytest.mark.parametrize(
    ("kind", "parameter"), [("tool_calls", "agent"), ("tool_calls", "model"), ("sessions", "agent")]
)
async def test_a_filter_that_a_kind_cannot_answer_is_refused(
    client: httpx.AsyncClient, company: Company, kind: str, parameter: str
) -> None:
    given = {"kind": kind, parameter: "x"}
    answer = await client.get(ADDRESS, headers=company.admin.headers, params=given)
    assert f"cannot be asked of {kind}" in is_problem(answer, 422)["detail"]


@pytest.mark.parametrize("given", [{}, {"kind": "users"}, {"kind": "daily", "format": "xlsx"}])
async def test_what_is_no_kind_or_format_is_422(
    client: httpx.AsyncClient, company: Company, given: dict[str, str]
) -> None:
    is_problem(await client.get(ADDRESS, headers=company.admin.headers, params=given), 422)


async def test_who_exported_what_is_on_record(client: httpx.AsyncClient, database: Database, company: Company) -> None:
    whose = [str(company.viewer.id), str(company.engineer.id)]
    await download(client, company, kind="daily", format="ndjson", agent="a", user_id=whose)
    (row,) = await audited(database, company.id)
    assert (row.action, row.user_id) == ("query.export", company.admin.id)
    assert row.parameters == {
        "kind": "daily",
        "format": "ndjson",
        "start_date": "2026-05-01T00:00:00Z",
        "end_date": "2026-05-31T23:59:59.999999Z",
        "timezone": "UTC",
        "agent": "a",
        "user_id": whose,
    }


async def test_the_file_has_a_name(client: httpx.AsyncClient, company: Company) -> None:
    answer = await download(client, company, kind="daily", format="parquet")
    assert answer.headers["content-disposition"] == ('attachment; filename="tally-daily-2026-05-01-2026-05-31.parquet"')
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_a_file_too(client: httpx.AsyncClient, company: Company, kind: str) -> None:
    if kind != "daily":
        parquet = (await download(client, company, kind=kind, format="parquet")).content
        assert pyarrow.parquet.read_table(io.BytesIO(parquet)).num_rows == 0
        assert len((await download(client, company, kind=kind)).text.splitlines()) == 1
        assert (await download(client, company, kind=kind, format="ndjson")).text == ""


async def test_no_other_account_s_rows_are_in_it(
    client: httpx.AsyncClient, log: Logbook, company: Company, other_company: Company
) -> None:
    await a_day(log, company)
    for kind in ("messages", "tool_calls", "sessions"):
        assert len((await download(client, other_company, kind=kind)).text.splitlines()) == 1


async def test_without_pyarrow_a_sentence_says_so(
    client: httpx.AsyncClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    given = {"kind": "daily", "format": "parquet"}
    answer = await client.get(ADDRESS, headers=company.admin.headers, params=given)
    assert "tally[parquet]" in is_problem(answer, 422)["detail"]


async def peak(database: Database, company: Company, format_: files.Format, last: str) -> int:
    window = Window.of(WindowQuery.model_validate({**MAY, "end_date": last}), "UTC", NOON)
    table = export.TABLES["messages"]
    _, make = files.FORMATS[format_]
    tracemalloc.start()
    async for _ in export.as_bytes(make(table.columns), table.pieces(database, company.id, window, Filters({}))):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("format_", files.FORMATS)
async def test_memory_does_not_grow_with_the_rows(
    log: Logbook, company: Company, database: Database, format_: files.Format
) -> None:
    """Five times the rows, the same peak."""
    for day, rows in ((3, 4_000), (4, 16_000)):
        session = log.session(NOON)
        for _ in range(rows):
            log.message(session, at(f"2026-05-0{day}"), agent_name="a" * 200)
        await log.write()
    await peak(database, company, format_, "2026-05-03")  # imports, caches
    few, many = [await peak(database, company, format_, f"2026-05-0{day}") for day in (3, 4)]
    assert many < 1.3 * few


async def test_a_reader_who_leaves_gives_the_connection_back(
    log: Logbook, company: Company, database: Database, settings: Settings
) -> None:
    session = log.session(NOON)
    for _ in range(5_000):
        log.message(session, NOON)
    await log.write()
    window = Window.of(WindowQuery.model_validate(MAY), "UTC", NOON)
    table = export.TABLES["messages"]
    body = export.as_bytes(files.CsvFile(table.columns), table.pieces(database, company.id, window, Filters({})))

    async def gone(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - the very error that a closed socket gives
        await Download(body).stream_response(gone)
    async with AsyncExitStack() as whole_pool:
        for _ in range(settings.pool_size):
            await whole_pool.enter_async_context(database.transaction(company.id, read_only=True))
