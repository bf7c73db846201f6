"""tally push: what agents logged on this machine, as rows."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from app.cli.operator import settings_with
from app.cli.terminal import AsJson, complain, say, show, visible
from app.settings import Settings

if TYPE_CHECKING:
    from app.cli.push.report import Report
    from app.cli.push.watch import Wish

EPILOG = """Example: TALLY_URL=https://tally.example TALLY_API_KEY=tly_… tally push

Example: tally push ~/.claude ~/old-logs --dry-run

Example: tally push --watch    (until Ctrl-C; a second push meanwhile says which process is at it)

What was pushed is written down in ~/.local/state/tally, so the next push reads only what is new; cut off at any point,
the same command goes on. Proxies are taken from HTTPS_PROXY and NO_PROXY, a CA of your own from SSL_CERT_FILE."""
NOTHING = "No agent's logs were found (~/.claude/projects, ~/.codex/sessions): name a folder or a file."


def push(  # noqa: PLR0913 - one parameter for each option
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of logs, or logs (.jsonl, .jsonl.zst). Default: the agents' own folders."),
    ] = None,
    url: Annotated[str | None, typer.Option(help="The server; default TALLY_URL.")] = None,
    key: Annotated[str | None, typer.Option(help="An API key; better as TALLY_API_KEY, which no list shows.")] = None,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for a server that does not answer.")] = 120,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Send the logs themselves, secrets redacted.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and send what sessions write as they go.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count; send nothing. Needs no server.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read the session logs of Claude Code and Codex on this machine and send what they count.

    Only ids, names, times and numbers leave the machine; what was said stays here, unless you ask for --raw and the
    account allows it. Sent twice counts once.
    """
    from app.cli.push.finding import own_folders  # noqa: PLC0415
    from app.cli.push.watch import Wish  # noqa: PLC0415

    settings = settings_with(url=url)
    if dry_run and watch:
        raise typer.BadParameter("--dry-run and --watch do not go together.")
    missing = [path for path in paths or () if not path.exists() and not path.is_symlink()]
    if missing:
        raise typer.BadParameter(f"{visible(str(missing[0]))} does not exist.", param_hint="PATHS")
    roots = paths or own_folders(os.environ)
    given = secret(settings, key, is_needed=not dry_run)
    wish = Wish(address(settings), given, roots, patience, raw, watch, dry_run, as_json)
    if not roots:
        complain(NOTHING)
        raise typer.Exit(1)
    raise typer.Exit(carried_out(wish))


def address(settings: Settings) -> str:
    if not settings.url.startswith(("http://", "https://")):
        raise typer.BadParameter("must be an address such as https://tally.example.", param_hint="TALLY_URL, --url")
    if "@" in urlsplit(settings.url).netloc:
        raise typer.BadParameter(
            "must name no user and no password: the API key is enough.", param_hint="TALLY_URL, --url"
        )
    return settings.url.rstrip("/")


def secret(settings: Settings, key: str | None, *, is_needed: bool) -> str:
    kept = settings.api_key.get_secret_value() if settings.api_key else ""
    if is_needed and not (key or kept):
        raise typer.BadParameter("is missing: tally key create --user ID makes one.", param_hint="TALLY_API_KEY, --key")
    return key or kept


def carried_out(wish: "Wish") -> int:
    """The exit code."""
    from app.cli.push.watch import carry_out  # noqa: PLC0415

    os.umask(0o077)

    try:
        report = asyncio.run(stoppable(carry_out(wish)))
    except asyncio.CancelledError:  # before anything was read
        complain("Stopped before anything was read.")
        return 1
    if wish.as_json:
        show(report.as_json(), as_json=True)
    else:
        for line in report.summary():
            say(line)
    complaints = report.complaints()
    for sentence in complaints if not wish.as_json else complaints[:1]:
        complain(sentence)
    return 0 if report.ok else 1


async def stoppable(work: Coroutine[Any, Any, "Report"]) -> "Report":
    """Ctrl-C and SIGTERM end it in order."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def register(cli: typer.Typer) -> None:
    cli.command("push", epilog=EPILOG)(push)
