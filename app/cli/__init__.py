"""The command line: each command parses its arguments and makes one call."""

import sys

import typer

from app.cli import (
    accounts,
    benching,
    doctor,
    erasing,
    exporting,
    importing,
    keys,
    migrate,
    prices,
    processing,
    retention,
    rollups,
    serve,
    up,
    users,
    worker,
)
from app.cli.demo import command as demo
from app.cli.faults import explain
from app.cli.push import command as push
from app.cli.terminal import complain

cli = typer.Typer(
    name="tally",
    help="Tally tells what your AI agents did. `tally up` starts everything; `tally COMMAND --help` teaches the rest.",
    epilog="Settings come from the environment or from .env: `tally doctor` shows them all. Exit codes: 0 done, "
    "1 failed, 2 wrong usage.",
    no_args_is_help=True,
    rich_markup_mode=None,  # examples should be copied without frames
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
up.register(cli)
serve.register(cli)
worker.register(cli)
migrate.register(cli)
doctor.register(cli)
demo.register(cli)
importing.register(cli)
exporting.register(cli)
erasing.register(users.commands, accounts.commands)
push.register(cli)
processing.register(cli)
benching.register(cli)
cli.add_typer(accounts.commands, name="account")
cli.add_typer(users.commands, name="user")
cli.add_typer(keys.commands, name="key")
keys.register(cli)
cli.add_typer(rollups.commands, name="rollups")
cli.add_typer(retention.commands, name="retention")
cli.add_typer(prices.commands, name="prices")


def main() -> None:
    """Exit 0 done, 1 failed, 2 wrong usage; what failed is one sentence on stderr."""
    try:
        cli()
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        complain(sentence)
        sys.exit(1)
