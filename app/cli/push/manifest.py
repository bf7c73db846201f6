"""What the server has of this member's logs: asked for by pages, and kept in a file, however many there are."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from app.cli.push.server import Server

PATH = "/api/v1/sync/manifest"
PAGE = 5_000
TABLE = "CREATE TABLE files (name TEXT PRIMARY KEY, sha256 TEXT, size INTEGER, source TEXT, reader_version INTEGER)"
KEEP = "INSERT OR REPLACE INTO files VALUES (:name, :sha256, :size, :source, :reader_version)"
FIND = "SELECT sha256, size, source, reader_version FROM files WHERE name = ?"


class Has(NamedTuple):
    """A log as the server knows it."""

    sha256: str
    size: int
    source: str
    reader_version: int


class Manifest:
    """By name. The file has no name of its own, and goes with us."""

    def __init__(self, files: Iterable[Mapping[str, Any]] = ()) -> None:
        self._connection = sqlite3.connect("")
        self._connection.execute(TABLE)
        self.keep(files)

    def keep(self, files: Iterable[Mapping[str, Any]]) -> None:
        with self._connection:
            self._connection.executemany(KEEP, files)

    def get(self, name: str) -> Has | None:
        row = self._connection.execute(FIND, [name]).fetchone()
        return Has(*row) if row else None


async def asked(server: Server) -> tuple[dict[str, Any], Manifest]:
    """How the account wants logs, and which it has."""
    rules: dict[str, Any] = await server.get(PATH, limit=PAGE)
    manifest, page = Manifest(rules.pop("files")), rules
    while page["next_cursor"] is not None:
        page = await server.get(PATH, limit=PAGE, cursor=page["next_cursor"])
        manifest.keep(page["files"])
    return rules, manifest
