"""The operating system's account that the server runs as: ours, or an unprivileged one when we are root."""

import os
import pwd
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.db.embedded.errors import EmbeddedError

CREATE = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "tally")
# Nothing else of our environment reaches the server: no PG* default, no locale, no secret of the application.
KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True)
class Account:
    """Who runs the server; `foreign` when we must become them first."""

    name: str
    uid: int
    gid: int
    foreign: bool

    def run(self, command: Sequence[str | Path], text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a short command as this account, away from our directory, which it may not reach."""
        return subprocess.run(
            command, input=text, env=environment(), cwd="/", umask=0o077, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
            **self.identity,
        )  # fmt: skip

    @property
    def identity(self) -> Mapping[str, Any]:
        """How subprocess becomes this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.foreign else {}

    def write(self, path: Path, text: str) -> None:
        """Replace a file, with the account's rights: root must not follow a link the account laid."""
        result = self.run(["/bin/sh", "-c", 'cat > "$1.new" && mv -f "$1.new" "$1"', "sh", path], text)
        if result.returncode:
            raise EmbeddedError(f"{path} cannot be written: {result.stdout.strip()}.")

    def make_private(self, path: Path) -> None:
        """Create a directory that only this account can enter; one that exists must be like that."""
        try:
            path.mkdir(mode=0o700)
            if self.foreign:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
        except FileExistsError:
            pass
        found = path.lstat()
        if found.st_mode != stat.S_IFDIR | stat.S_IRWXU or found.st_uid != self.uid:
            raise EmbeddedError(
                f"{path} must be a directory of {self.name} alone (mode 0700) and is not: remove it and start again."
            )

    def reaches(self, path: Path) -> bool:
        """Whether every directory down to `path`, and `path` itself, opens for this account."""
        real = path.resolve()
        return all(self._enters(step.stat()) for step in (real, *real.parents))

    def _enters(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def environment() -> dict[str, str]:
    """What PostgreSQL's processes get to see of our environment."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {"LC_ALL": "C"}


def current() -> Account:
    """The account of this process."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise EmbeddedError(
            f"The user with uid {uid} has no name, which PostgreSQL needs: add it to /etc/passwd or set DATABASE_URL."
        ) from error
    return Account(entry.pw_name, uid, entry.pw_gid, foreign=False)


def owner(*paths: Path) -> Account:
    """Who runs the server: ourselves, but never root; for root whoever owns one of these paths."""
    if os.geteuid() != 0:
        return current()
    for path in paths:
        named = _named(path.stat().st_uid) if path.exists() else None
        if named and named.uid != 0 and named.name != "nobody":
            return named
    return _unprivileged()


def _named(who: int | str) -> Account | None:
    try:
        entry = pwd.getpwuid(who) if isinstance(who, int) else pwd.getpwnam(who)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, foreign=True)


def _unprivileged() -> Account:
    known = _named("postgres") or _named("tally")
    if known:
        return known
    try:
        created = subprocess.run(CREATE, capture_output=True, text=True, check=False)
        problem = created.stderr.strip()
    except FileNotFoundError:
        problem = "there is no useradd"
    made = _named("tally")
    if made is None:
        raise EmbeddedError(f"PostgreSQL does not run as root and the user tally could not be created: {problem}.")
    return made
