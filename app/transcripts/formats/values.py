"""Single values of a log, each made into what a row may hold, or left out. Logs are written by strangers."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

LARGEST = 2**31 - 1
LONGEST = 200
EARLIEST, LATEST = "1970", "2200"
WORD = re.compile(r"[\w:/.@+-]{1,100}")


@lru_cache(maxsize=4096)
def text_instant(said: str) -> str | None:
    """UTC with milliseconds, so that instants compare as text; without an offset it is taken as UTC."""
    try:
        found = datetime.fromisoformat(said)
        if not (len(said) == 24 and said[-1] == "Z"):
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
            said = found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return None
    return said if EARLIEST <= said < LATEST else None


def instant(said: Any) -> str | None:
    return text_instant(said) if type(said) is str and len(said) <= 40 else None


def count(said: Any) -> int:
    """Tokens; what is no number of tokens counts nothing."""
    return said if type(said) is int and 0 <= said <= LARGEST else 0


def is_odd(said: Any) -> bool:
    """Whether it counts nothing though something stands there."""
    return said is not None and not (type(said) is int and 0 <= said <= LARGEST)


def milliseconds(said: Any) -> float | None:
    return said if type(said) in (int, float) and 0 <= said <= LARGEST else None


def name(said: Any) -> str | None:
    """An id or a name as it stands where it can be stored, else its hash: two must not become one by being cut."""
    if type(said) is not str or not said:
        return None
    if len(said) <= LONGEST and said.isprintable():
        return said
    return sha256(said.encode(errors="surrogatepass")).hexdigest()


def word(said: Any) -> str | None:
    """A name only where it is one word: fields that hold names in good logs hold sentences in others."""
    return said if type(said) is str and WORD.fullmatch(said) else None


def first_word(said: Any) -> str | None:
    """A command without what was asked of it."""
    return word(said.split(maxsplit=1)[0]) if type(said) is str and said.strip() else None
