"""What a log is called, by whoever sends it, and the key that follows from that."""

import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from app.facts.identity import key

LONGEST = 500
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]")
SEPARATORS = re.compile(r"[/\\]")
ENDINGS = (".zst", ".gz", ".jsonl", ".json")


def proper(name: str) -> str:
    """A name is kept, never opened; all the same it should not look like a way out of a folder."""
    if UNPRINTABLE.search(name):
        raise ValueError("must not contain control characters")
    if not name.strip() or any(part in (".", "..") for part in SEPARATORS.split(name)):
        raise ValueError("must be a name such as projects/p01/0d3a8e6f.jsonl, without '.' and '..'")
    return name


Name = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(proper)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of the log, unpacked, in lower-case hex.")]


def transcript_key(account: UUID, user: UUID, name: str) -> UUID:
    """The same log of the same member, whenever it comes again."""
    return key(account, "transcript", str(user), name)


def stem(name: str) -> str:
    """The file's own name without its endings: what a log that names no session is called after."""
    last = SEPARATORS.split(name)[-1]
    for ending in ENDINGS:
        last = last.removesuffix(ending)
    return last or name
