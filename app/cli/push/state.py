"""What was pushed from this machine: a file of our own in the user's state directory, for its owner's eyes alone.

It is a database because every answer of the server is written down at once, whole or not at all, however many files
there are. It holds sizes, hashes, ids and numbers, nothing that was said; without it everything is found out anew.
"""

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

# Another number for another shape: the old one is put aside.
SHAPE = 2
TABLE = """
    CREATE TABLE IF NOT EXISTS files (
        path BLOB PRIMARY KEY, name TEXT NOT NULL, observed TEXT NOT NULL, size INTEGER NOT NULL,
        sha256 TEXT NOT NULL, raw INTEGER NOT NULL, sessions BLOB NOT NULL, carry BLOB NOT NULL
    ) WITHOUT ROWID
"""
KEEP = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


class Known(NamedTuple):
    """A file as it was pushed. `observed`: size, time and inode on the disk; `size` and `sha256`: unpacked."""

    name: str
    observed: list[int]
    size: int
    sha256: str
    raw: bool


class State:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def known(self) -> dict[bytes, Known]:
        """All files, without what only their next lines need."""
        rows = self._connection.execute("SELECT path, name, observed, size, sha256, raw FROM files")
        return {
            path: Known(name, orjson.loads(observed), size, sha256, bool(raw))
            for path, name, observed, size, sha256, raw in rows
        }

    def carried(self, path: bytes) -> tuple[dict[str, Any], bytes]:
        """Counts by session, and where the reading of a file ended."""
        row = self._connection.execute("SELECT sessions, carry FROM files WHERE path = ?", [path]).fetchone()
        return (orjson.loads(row[0]), row[1]) if row else ({}, b"")

    def keep(self, files: Iterable[tuple[bytes, Known, Mapping[str, Any], bytes]]) -> None:
        rows = [
            (path, one.name, orjson.dumps(one.observed), one.size, one.sha256, one.raw, orjson.dumps(sessions), carry)
            for path, one, sessions, carry in files
        ]
        with self._connection:
            self._connection.executemany(KEEP, rows)


def place(folder: Path, url: str, claims: Mapping[str, Any]) -> Path:
    """A file for each server and member."""
    parts = urlsplit(url)
    names = (parts.netloc.rpartition("@")[2] + parts.path, claims.get("account_id", ""), claims.get("sub", ""))
    return folder / ("_".join(UNSAFE.sub("-", str(name)).strip("-") for name in names) + ".db")


def directory(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_STATE_HOME") or os.path.join(environment.get("HOME", ""), ".local", "state")  # noqa: PTH118
    return Path(base).expanduser() / "tally"


@contextmanager
def opened(path: Path) -> Iterator[State]:
    connection = connected(path)
    try:
        yield State(connection)
    finally:
        connection.close()


def connected(path: Path) -> sqlite3.Connection:
    """What cannot be used is put aside: it only saves time."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=10)
    try:
        shape = connection.execute("PRAGMA user_version").fetchone()[0]
        if shape in (0, SHAPE):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(TABLE)
            connection.execute(f"PRAGMA user_version = {SHAPE}")
            connection.execute("SELECT count(sha256) FROM files").fetchone()
            return connection
    except sqlite3.DatabaseError:
        pass
    connection.close()
    path.replace(path.with_suffix(".unusable"))
    for side in ("-wal", "-shm"):
        Path(f"{path}{side}").unlink(missing_ok=True)
    return connected(path)
