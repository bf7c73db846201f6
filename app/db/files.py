"""Files and folders of the data directory, which may be another user's where we are root.

What root makes there belongs to whom the folder belongs, so that they can go on without root; and no link that they
laid leads root to write or read elsewhere.
"""

import errno
import os
import stat
from pathlib import Path


def open_own(path: Path, flags: int) -> int:
    """Open a file of ours for writing, for its owner alone, never through a link."""
    fd = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        give(fd, path)
    except OSError:
        os.close(fd)
        raise
    return fd


def give(fd: int, path: Path) -> None:
    """Under root: what was opened goes to the folder's owner, unless it has another name elsewhere as well."""
    if os.geteuid() != 0:
        return
    found, home = os.fstat(fd), path.parent.stat()
    if found.st_uid == home.st_uid:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise OSError(errno.EINVAL, "it is no plain file of its own", str(path))
    os.fchown(fd, home.st_uid, home.st_gid)


def touch(path: Path) -> None:
    fd = open_own(path, os.O_RDWR)
    try:
        os.utime(fd)
    finally:
        os.close(fd)


def read_own(path: Path) -> str:
    """A file of ours; root follows a link only where nobody but root can have laid it."""
    trusting = os.geteuid() != 0 or path.parent.stat().st_uid == 0
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if trusting else os.O_NOFOLLOW))
    with os.fdopen(fd, encoding="utf-8", errors="replace") as file:
        return file.read()


def make_folders(folder: Path) -> list[Path]:
    """A folder for its owner alone, like those above it that were missing; which ones were."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(made):
        each.mkdir(mode=0o700, exist_ok=True)
        home = each.parent.stat()
        if os.geteuid() == 0 and home.st_uid != 0:
            os.chown(each, home.st_uid, home.st_gid, follow_symlinks=False)
    return made


def refuse_link(path: Path) -> None:
    """Root goes through no link that another user may have laid."""
    if os.geteuid() == 0 and path.is_symlink() and path.parent.stat().st_uid != 0:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
