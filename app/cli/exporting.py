"""tally export: an account's facts as a file, the same one that the API gives."""

import re
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal
from uuid import UUID

import typer

from app.cli.operator import DataDir, Misconfigured, on_database, on_record, settings_with
from app.cli.progress import share
from app.cli.terminal import AsJson, show

if TYPE_CHECKING:
    from app.analytics.export import ExportQuery, Table
    from app.analytics.window import Window
    from app.db.engine import Database

# As the API has them, said here again so that --help waits for nothing; a test compares.
Kind = Literal["messages", "tool_calls", "sessions", "daily"]
Format = Literal["csv", "ndjson", "parquet"]
# The column that rows are sorted by: how far into the window they are is how far the export is.
SORTED_BY = {"messages": "created_at", "tool_calls": "occurred_at", "sessions": "updated_at"}
FILTERS = ("agent", "model", "user_id")
OPTIONS = {"start_date": "--start", "end_date": "--end", "user_id": "--user-id"}
NAMED = re.compile(r"(?:query\.)?\b(start_date|end_date|user_id|agent|model|timezone)\b")


@contextmanager
def in_options() -> Iterator[None]:
    """What the API says of its parameters, said of options."""
    from pydantic import ValidationError  # noqa: PLC0415

    from app.cli.faults import explain  # noqa: PLC0415
    from app.web.problems import Unprocessable  # noqa: PLC0415

    try:
        yield
    except (ValidationError, Unprocessable) as error:
        said = NAMED.sub(lambda found: OPTIONS.get(found[1], f"--{found[1]}"), explain(error) or "")
        raise Misconfigured(said) from None


@contextmanager
def opened(output: Path | None) -> Iterator[BinaryIO]:
    """A file appears whole or not at all; pipes and devices get what there is."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if output.exists() and not stat.S_ISREG(output.stat().st_mode):
        with output.open("wb") as file:
            yield file
        return
    draft = output.with_name(f"{output.name}.part")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)


async def watched(
    pieces: AsyncIterator[Any], table: "Table", sorted_by: str | None, window: "Window", counted: Callable[[int], None]
) -> AsyncIterator[Any]:
    """The same pieces, with their rows counted, and on a terminal how far they are."""
    place = list(table.columns).index(sorted_by) if sorted_by else None
    with share("export") as advance:
        async with aclosing(pieces):  # type: ignore[type-var]
            async for rows in pieces:
                counted(len(rows))
                yield rows
                if place is not None:
                    advance(
                        (rows[-1][place] - window.start).total_seconds(), (window.stop - window.start).total_seconds()
                    )


async def write_out(database: "Database", account: UUID, asked: "ExportQuery", output: Path | None) -> dict[str, Any]:
    from app.admin.founding import zone_of  # noqa: PLC0415
    from app.analytics.export import as_bytes, described, selected  # noqa: PLC0415
    from app.analytics.files import FORMATS  # noqa: PLC0415
    from app.web.schema import in_z  # noqa: PLC0415

    async with database.transaction(account, read_only=True) as tx:
        zone = await zone_of(tx)
    rows = size = 0

    def counted(number: int) -> None:
        nonlocal rows
        rows += number

    with in_options():
        window, filters, table = selected(asked, zone, datetime.now(UTC))
        form = FORMATS[asked.format][1](table.columns)
    with opened(output) as file:
        given = {name: [str(value) for value in getattr(asked, name)] for name in FILTERS}
        noted = {name: values for name, values in given.items() if values}
        await on_record(database, account, "query.export", **described(noted, asked, window))
        found = table.pieces(database, account, window, filters)
        async for piece in as_bytes(form, watched(found, table, SORTED_BY.get(asked.kind), window, counted)):
            size += file.write(piece)
    shown = {"start_date": in_z(window.start), "end_date": in_z(window.end), "timezone": window.zone}
    return {"kind": asked.kind, "format": asked.format, **shown, "rows": rows, "bytes": size, "file": output}


def export(  # noqa: PLR0913, PLR0917 - options, not parameters
    kind: Annotated[Kind, typer.Argument(help="What: one row a message, tool call, session or local day.")],
    account: Annotated[UUID, typer.Option(help="The account's id.")],
    form: Annotated[Format, typer.Option("--format", help="Parquet needs the extra tally[parquet].")] = "csv",
    start: Annotated[str, typer.Option(metavar="DAY", help="First day or instant; default: 30 days before.")] = "",
    end: Annotated[str, typer.Option(metavar="DAY", help="Last day or instant, inclusive; default: now.")] = "",
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Whose days; default: the account's.")] = "",
    agent: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only messages of this agent. Repeatable.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only messages of this model. Repeatable.")
    ] = None,
    user_id: Annotated[list[UUID] | None, typer.Option(metavar="ID", help="Only this member's. Repeatable.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; default: standard output.")] = None,
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write an account's facts to a file, oldest first: the files that /analytics/export gives, as often audited."""
    from app.analytics.export import ExportQuery  # noqa: PLC0415

    if output is None and as_json:
        raise typer.BadParameter("--json tells of a file: name one with --output.")
    if output is None and form == "parquet" and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is nothing for a terminal: name a file with --output.")
    given = {
        "kind": kind, "format": form, "start_date": start, "end_date": end, "timezone": timezone, "agent": agent,
        "model": model, "user_id": user_id,
    }  # fmt: skip
    with in_options():
        asked = ExportQuery.model_validate({name: value for name, value in given.items() if value})

    async def run(database: "Database") -> dict[str, Any]:
        return await write_out(database, account, asked, output)

    told = on_database(run, settings_with(data_dir=data_dir))
    if output is not None:
        show(told, as_json=as_json)


def register(cli: typer.Typer) -> None:
    example = "Example: tally export messages --account 0190… --start 2026-05-01 --end 2026-05-31 --output may.csv"
    cli.command("export", epilog=example)(export)
