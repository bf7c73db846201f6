"""A log's bytes as the agent wrote them, also where they were compressed since, and what tells them apart."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

from app.transcripts.packing import Cut, NotPacked, unpacked_by, unzstd

CHUNK = 2**19
COMPRESSED = b".zst"
# A window no larger than what the usual program makes without being asked to; more would be a bomb.
LARGEST_WINDOW = 2**27
CUT = "It is packed and ends in the middle: it may still be written; a later push tries again."


class Unreadable(Exception):
    """Why a file cannot be read, in a sentence."""


class Content:
    """As much of a file as was there when it was opened: what is written meanwhile is seen the next time."""

    def __init__(self, file: IO[bytes], path: bytes) -> None:
        self._file = file
        self.compressed = path.lower().endswith(COMPRESSED)
        seen = os.fstat(file.fileno())
        self.observed = [seen.st_size, seen.st_mtime_ns, seen.st_ino]
        # Compressed, it shows its size at its end.
        self.length: int | None = None if self.compressed else seen.st_size
        self.size = 0
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of what was read so far."""
        return self._hash.hexdigest()

    def rewind(self) -> None:
        self.size, self._hash = 0, hashlib.sha256()

    def chunks(self, until: int | None = None) -> Iterator[bytes]:
        """On from where the last reading ended, as far as asked."""
        if self.compressed:
            yield from self._unpacked()
            return
        self._file.seek(self.size)
        end = min(self.length or 0, until if until is not None else self.length or 0)
        while self.size < end and (chunk := self._file.read(min(CHUNK, end - self.size))):
            yield self._seen(chunk)

    def pass_over(self, until: int | None = None) -> str:
        """The hash of what is passed over."""
        for _ in self.chunks(until):
            pass
        return self.sha256

    def again(self, start: int) -> Iterator[bytes]:
        """What was read already, from `start` on; it changes no hash."""
        self._file.seek(start)
        while start < self.size and (chunk := self._file.read(min(CHUNK, self.size - start))):
            start += len(chunk)
            yield chunk

    def _unpacked(self) -> Iterator[bytes]:
        self._file.seek(0)
        chunks, held, size = iter(partial(self._file.read, CHUNK), b""), list[bytes](), 0
        try:
            for piece in unpacked_by(unzstd(LARGEST_WINDOW), chunks):
                held.append(piece)
                size += len(piece)
                if size >= CHUNK:
                    yield self._seen(b"".join(held))
                    held, size = [], 0
        except Cut:
            raise Unreadable(CUT) from None
        except NotPacked as error:
            raise Unreadable(f"It is no whole zstd file ({error}).") from None
        if held:
            yield self._seen(b"".join(held))

    def _seen(self, chunk: bytes) -> bytes:
        self.size += len(chunk)
        self._hash.update(chunk)
        return chunk


@contextmanager
def opened(path: bytes) -> Iterator[Content]:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a name need not be text
            yield Content(file, path)
    except OSError as error:
        raise Unreadable(f"It cannot be read: {error.strerror}.") from None
