"""What a command prints: for people, or with --json for programs.

People's lines go through `visible`: names of files, and what servers and logs say, are written by strangers, and a
terminal obeys what it is sent.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer

UNBOUNDED = 1000  # a line for grep, not for a screen
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def visible(text: str) -> str:
    """On one line, and nothing in it but what can be seen."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text
    )


def say(line: str) -> None:
    typer.echo(visible(line))


def remark(line: str) -> None:
    """On stderr."""
    typer.echo(visible(line), err=True)


def complain(sentence: str) -> None:
    remark(f"tally: {sentence}")


def show(value: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: its fields, a line each."""
    if as_json:
        typer.echo(orjson.dumps(value, default=str).decode())
        return
    width = max(len(name) for name in value)
    for name, field in value.items():
        say(f"{name:<{width}}  {'' if field is None else field}")


def show_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str) -> None:
    """Many things: a table, or a JSON list."""
    if as_json:
        typer.echo(orjson.dumps(list(rows), default=str).decode())
    elif not rows:
        typer.echo(empty)
    else:
        from rich.console import Console  # noqa: PLC0415 - only where a table is shown
        from rich.markup import escape  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in rows[0]:
            table.add_column(name, overflow="fold")  # an id cut short is no id
        for row in rows:
            table.add_row(*("" if field is None else escape(visible(str(field))) for field in row.values()))
        Console(width=None if sys.stdout.isatty() else UNBOUNDED).print(table)
