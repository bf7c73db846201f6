"""A raw log made ready to be sent: without what looks like a secret, packed, in a file of its own."""

import hashlib
import tempfile
import zlib
from pathlib import Path
from typing import Any

from app.secrets import redacted
from app.transcripts.reading.content import Content, Unreadable
from app.transcripts.reading.log import form_of

# What the server takes of one log, unpacked.
LARGEST = 50 * 2**20


def packed(content: Content, folder: str) -> dict[str, Any]:
    """Where it lies, what it weighs unpacked, and how many secrets were taken out; nothing where it is no log."""
    if form_of(content) is None:
        return {"outcome": "none"}
    return {"outcome": "packed", **written(content, folder)}


def written(content: Content, folder: str) -> dict[str, Any]:
    packer, digest, size, secrets, rest = zlib.compressobj(6, wbits=31), hashlib.sha256(), 0, 0, b""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="log-", delete=False) as file:
        try:
            for chunk in content.chunks():
                bounded(content)
                # Whole lines, so that no secret is cut in two.
                head, newline, tail = chunk.rpartition(b"\n")
                if not newline:
                    rest += tail
                    continue
                text, found = redacted(rest + head + newline)
                rest = tail
                secrets, size = secrets + found, size + len(text)
                digest.update(text)
                file.write(packer.compress(text))
            text, found = redacted(rest)
            digest.update(text)
            file.write(packer.compress(text) + packer.flush())
        except BaseException:
            Path(file.name).unlink()
            raise
    return {
        "packed": file.name,
        "packed_size": Path(file.name).stat().st_size,
        "redacted_sha256": digest.hexdigest(),
        "redacted_size": size + len(text),
        "secrets": secrets + found,
    }


def bounded(content: Content) -> None:
    if content.size > LARGEST:
        raise Unreadable(f"It is larger than {LARGEST // 2**20} MiB: push it without --raw.")
