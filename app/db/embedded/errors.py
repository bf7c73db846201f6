"""What can go wrong with the embedded server, in one sentence for a person.

EmbeddedError     anything that keeps the server from starting
└── Occupied      another process runs the server of this directory
"""

import errno
import os
import re
from pathlib import Path
from typing import Final

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
FATAL: Final = re.compile(r"(?:FATAL|PANIC|initdb: error|postgres: error|error):\s+(.+)")


class EmbeddedError(Exception):
    """One plain sentence: what was wrong and what to do."""


class Occupied(EmbeddedError):
    """Another live process supervises the server of this directory."""


def plain(error: OSError, data_dir: Path) -> str:
    """The sentence for a refusal by the operating system."""
    path = error.filename or data_dir
    if error.errno in FULL:
        return f"The disk that holds {data_dir} is full: free some space and start again."
    if error.errno == errno.EROFS:
        return f"{path} cannot be written, its file system is read-only: choose another data directory."
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{path} is closed to this user (uid {os.geteuid()}): choose a data directory of your own."
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return f"{path} is not a directory: choose another data directory."
    if error.errno == errno.ELOOP:
        return f"{path} is a symbolic link where Tally keeps a file of its own: remove it and start again."
    return f"The embedded PostgreSQL cannot use {path}: {error.strerror}."


def told(output: str, data_dir: Path, log: Path | None = None) -> str:
    """The sentence for what PostgreSQL said before it gave up."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        if os.strerror(number) in output:
            return plain(OSError(number, os.strerror(number)), data_dir)
    reasons = FATAL.findall(output)
    reason = reasons[0] if reasons else (output.strip().splitlines() or ["it said nothing"])[-1]
    where = f" (more in {log})" if log else ""
    return f'The embedded PostgreSQL of {data_dir} did not start: "{reason.strip()}"{where}.'
