"""The server's log: one file that is put aside when it has grown."""

import os
from pathlib import Path
from typing import Final

from app.db.files import open_own

LARGEST: Final = 10 * 2**20
TAIL: Final = 64 * 2**10


class Log:
    """`postgres.log`, opened by us and inherited by the server, which may not reach its directory."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "postgres.log"
        if self.path.is_file() and self.path.stat().st_size > LARGEST:
            self.path.replace(self.path.with_suffix(".log.1"))
        self.fd = open_own(self.path, os.O_RDWR | os.O_APPEND)

    def mark(self) -> int:
        """Where the log ends now."""
        return os.fstat(self.fd).st_size

    def since(self, mark: int) -> str:
        """What was written after `mark`, at most its last 64 kB."""
        end = self.mark()
        start = max(mark, end - TAIL)
        return os.pread(self.fd, end - start, start).decode("utf-8", "replace")

    def note(self, line: str) -> None:
        """Add a line of our own."""
        os.write(self.fd, f"tally: {line}\n".encode())

    def close(self) -> None:
        """Let go of the file."""
        os.close(self.fd)
