"""The cluster: made aside and renamed into place, so that a half-made one is never seen."""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.db.embedded.account import Account
from app.db.embedded.binaries import Binaries
from app.db.embedded.errors import EmbeddedError, told
from app.db.embedded.place import Place

HALF_MADE: Final = "postgres.new-"
DEFAULTS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    # A statement whose asker is gone ends soon, even when the word to cancel it overtook it.
    "client_connection_check_interval": "2s",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "shared_buffers": "128MB",
    "max_connections": "100",
    # Nobody replicates from here, and an idle directory keeps two WAL segments.
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "512MB",
}
ROLES: Final = """\
CREATE ROLE tally_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
CREATE ROLE tally_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
CREATE DATABASE tally OWNER tally_owner;
"""
# The socket's directory already keeps others out; peer says it once more, by the name of the caller.
ACCESS: Final = "local all all peer map=tally\n"


def ensure(place: Place, binaries: Binaries, options: Mapping[str, str]) -> None:
    """Check the cluster that is there, or make one."""
    for leftover in place.home.glob(f"{HALF_MADE}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if not place.cluster.exists() or (place.cluster.is_dir() and not any(place.cluster.iterdir())):
        _make(place, binaries, options)
    place.link()
    _check(place, binaries)
    _admit(place.cluster, place.account)


def command(place: Place, binaries: Binaries, socket_dir: Path, options: Mapping[str, str]) -> list[str]:
    """The server's command line. Options win, except over the one socket that everybody looks for."""
    quoted = '"{}"'.format(str(socket_dir).replace('"', '""'))
    settings = {**DEFAULTS, **options, "unix_socket_directories": quoted, "port": "5432"}
    switches = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries.folder / "postgres"), "-D", str(place.cluster), *switches]


def _make(place: Place, binaries: Binaries, options: Mapping[str, str]) -> None:
    aside = place.home / f"{HALF_MADE}{secrets.token_hex(4)}"
    place.account.make_private(aside)
    initdb: list[str | Path] = [
        binaries.folder / "initdb", "--username=postgres", "--auth=peer", "--encoding=UTF8", "--locale=C",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
    ]  # fmt: skip
    fsync = options.get("fsync", "on")
    _run(place, [*initdb, *(["--no-sync"] if fsync == "off" else []), "-D", aside])
    single: list[str | Path] = [binaries.folder / "postgres", "--single", "-D", aside]
    _run(place, [*single, "-c", "exit_on_error=on", "-c", f"fsync={fsync}", "postgres"], ROLES)
    place.account.write(aside / "pg_hba.conf", ACCESS)
    aside.rename(place.cluster)
    _sync(place.home)


def _run(place: Place, arguments: list[str | Path], text: str = "") -> None:
    result = place.account.run(arguments, text)
    if result.returncode:
        raise EmbeddedError(told(result.stdout, place.data_dir))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check(place: Place, binaries: Binaries) -> None:
    try:
        made_by = int((place.cluster / "PG_VERSION").read_text("ascii"))
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise EmbeddedError(
            f"{place.data_dir}/postgres is not a PostgreSQL cluster: move it away or choose another data directory."
        ) from error
    if place.cluster.stat().st_uid != place.account.uid:
        raise EmbeddedError(f"{place.cluster} belongs to another user than {place.account.name}: start as that user.")
    if made_by != binaries.major:
        age = "older" if made_by < binaries.major else "newer"
        raise EmbeddedError(
            f"{place.data_dir} was made by the {age} PostgreSQL {made_by} and this is {binaries.version}: "
            f"dump it with version {made_by} and restore it into a new data directory."
        )


def _admit(cluster: Path, account: Account) -> None:
    """Let root and the server's account use any role; each start anew, as the directory may change hands."""
    names = dict.fromkeys(("root", account.name))
    lines = "".join(f'tally "{name}" all\n' for name in names)
    ident = cluster / "pg_ident.conf"
    if ident.read_text("utf-8", "replace") != lines:
        account.write(ident, lines)
