"""Where the cluster and its socket live, and who owns them."""

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.db.embedded import account
from app.db.embedded.account import Account
from app.db.embedded.binaries import STATE
from app.db.embedded.errors import EmbeddedError
from app.db.files import make_folders, open_own, read_own

# sockaddr_un holds 108 bytes on Linux, 104 on macOS, the ending zero included.
LONGEST_SOCKET: Final = 100
SOCKET: Final = ".s.PGSQL.5432"


@dataclass(frozen=True)
class Place:
    """The folder that holds `postgres/` (and `run/`, unless that path does not do for a socket)."""

    data_dir: Path
    home: Path
    account: Account

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "postgres"

    def make(self) -> None:
        """Create what lies outside the data directory, owned by the server's account."""
        if self.home != self.data_dir:
            STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
            self.account.make_private(self.home)

    def link(self) -> None:
        """Let a person (and other processes) find a cluster that lies elsewhere."""
        seen = self.data_dir / "postgres"
        if self.home != self.data_dir and not seen.is_symlink():
            seen.symlink_to(self.cluster)

    def socket_dir(self) -> Path:
        """Make sure of a private directory whose path a socket and its clients can use."""
        near = self.home / "run"
        # Clients take a comma for the end of a host's name.
        if len(os.fsencode(near / SOCKET)) <= LONGEST_SOCKET and "," not in str(near):
            if near.is_dir() and not near.is_symlink() and near.stat().st_uid == self.account.uid:
                near.chmod(0o700)  # a copied directory may have lost its mode
            self.account.make_private(near)
            return near
        key = hashlib.sha256(os.fsencode(self.data_dir.resolve())).hexdigest()[:16]
        far = self._short() / f"tally-{self.account.uid}-{key}"
        self.account.make_private(far)
        return far

    def _short(self) -> Path:
        if self.account.foreign:  # root has a place where nobody else can take the name first
            STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
            return STATE
        # Not XDG_RUNTIME_DIR: it differs between a terminal and cron, and is emptied at logout.
        return Path("/tmp")  # noqa: S108  (make_private verifies it)


def make_data_dir(data_dir: Path) -> None:
    """Create the data directory, private; one in use stays as it is, but must be ours."""
    if data_dir.exists() and not data_dir.is_dir():
        raise EmbeddedError(f"{data_dir} is not a directory: choose another data directory.")
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    make_folders(data_dir)
    who = account.owner(data_dir)
    if who.foreign and who.reaches(data_dir.parent) and not who.reaches(data_dir) and not any(data_dir.iterdir()):
        os.chown(data_dir, who.uid, who.gid)  # so that root's data, too, can lie in it, and move with it
    if os.geteuid() not in {0, data_dir.stat().st_uid}:
        raise EmbeddedError(f"{data_dir} belongs to another user: choose a data directory of your own.")


def find(data_dir: Path) -> Place:
    """Where this data directory's cluster is, or is to be made. The caller holds the lock."""
    if os.geteuid() != 0:
        return Place(data_dir, data_dir, account.current())
    note = data_dir / "place"
    key = read_own(note).strip() if note.exists() else ""
    if key:
        return _elsewhere(data_dir, key)
    who = account.owner(data_dir / "postgres", data_dir)
    if who.reaches(data_dir):
        return Place(data_dir, data_dir, who)
    if (data_dir / "postgres").exists():
        raise EmbeddedError(f"The user {who.name}, who runs the server, cannot enter {data_dir}: let it (chmod o+x).")
    with os.fdopen(open_own(note, os.O_WRONLY | os.O_TRUNC), "w") as file:
        file.write(f"{secrets.token_hex(8)}\n")
    return find(data_dir)


def _elsewhere(data_dir: Path, key: str) -> Place:
    if not re.fullmatch(r"[0-9a-f]{16}", key):
        raise EmbeddedError(f"{data_dir}/place does not name a folder of {STATE}: restore it from a copy.")
    home = STATE / key
    if (data_dir / "postgres").is_symlink() and not (home / "postgres").is_dir():
        raise EmbeddedError(
            f"The data of {data_dir} was in {home}, which is gone: restore it, "
            f"or remove {data_dir}/postgres to begin with nothing."
        )
    return Place(data_dir, home, account.owner(home))
