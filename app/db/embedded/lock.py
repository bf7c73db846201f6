"""One supervisor a directory: a flock that ends with its process, however that ends."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from app.db.embedded.errors import Occupied
from app.db.files import open_own


class Lock:
    """The file `lock` of a data directory; it holds its owner's pid as text."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take it now or raise Occupied."""
        fd = open_own(self._data_dir / "lock", os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise Occupied(
                f"The process with pid {holder} already runs the PostgreSQL of {self._data_dir}: "
                "stop it first or choose another data directory."
            ) from error
        self._fd = fd

    def sign(self) -> None:
        """Say who holds it; apart from acquire, because on a full disk the lock must still be released."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give it back. The file stays: removing it would let two processes lock two files of one name."""
        if self._fd is not None:
            with suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None
