"""What a command prints: for people, or with --json for programs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def show(value: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: its fields, a line each."""
    if as_json:
        typer.echo(orjson.dumps(value, default=str).decode())
        return
    width = max(len(name) for name in value)
    for name, field in value.items():
        typer.echo(f"{name:<{width}}  {'' if field is None else field}")


def show_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str) -> None:
    """Many things: a table, or a JSON list."""
    if as_json:
        typer.echo(orjson.dumps(list(rows), default=str).decode())
    elif not rows:
        typer.echo(empty)
    else:
        from rich.console import Console  # noqa: PLC0415 - only where a table is shown
        from rich.table import Table  # noqa: PLC0415

        table = Table(*rows[0], box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*("" if field is None else str(field) for field in row.values()))
        Console().print(table)
