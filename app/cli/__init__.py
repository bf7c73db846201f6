"""The command line: each command parses its arguments and makes one call."""

import sys

import typer
from pydantic import ValidationError

from app.cli import accounts, doctor, keys, migrate, serve, up, users, worker
from app.db.addresses import BadAddress
from app.db.embedded import EmbeddedError
from app.web.problems import Problem

cli = typer.Typer(
    name="tally",
    help="Tally tells what your AI agents did. `tally up` starts everything; `tally COMMAND --help` teaches the rest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
up.register(cli)
serve.register(cli)
worker.register(cli)
migrate.register(cli)
doctor.register(cli)
cli.add_typer(accounts.commands, name="account")
cli.add_typer(users.commands, name="user")
cli.add_typer(keys.commands, name="key")
keys.register(cli)


def main() -> None:
    """Exit 0 done, 1 failed, 2 wrong usage; what failed is one sentence on stderr."""
    try:
        cli()
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        sys.stderr.write(f"tally: {sentence}\n")
        sys.exit(1)


def explain(error: Exception) -> str | None:
    """The sentence for what a person can mend; None for a fault of ours, which shows itself whole."""
    # Imported when something failed: they cost a third of a second.
    from app.auth.tokens import Misconfigured  # noqa: PLC0415
    from app.db.engine import Unreachable  # noqa: PLC0415
    from app.web.answers import translate  # noqa: PLC0415

    match error:
        case ValidationError():
            return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        case BadAddress() | EmbeddedError() | Misconfigured():
            return str(error)
        case Unreachable():
            return f"The database cannot be reached ({error}): check DATABASE_URL."
        case Problem():
            return error.detail
        case _:
            problem = translate(error)
            return problem.detail if problem else None
