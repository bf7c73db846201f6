"""What a working directory is called in reports: by path, by hash, or by last folder, as the account chose."""

import hmac
import re
from collections.abc import Callable
from typing import Literal

Labels = Literal["full_path", "hashed", "basename_only"]
LONGEST = 200
# Logs of Windows machines have drives and backslashes.
SEPARATORS = re.compile(r"[/\\]+")
HASHED = re.compile(r"[0-9a-f]{16}")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def labeller(labels: Labels, secret: bytes) -> Callable[[str], str | None]:
    """The rule as a function of the directory. None where there is nothing to call it by.

    Applied again to what it gave it changes nothing, so that a producer may apply it before the server does.
    """

    def label(directory: str) -> str | None:
        path = UNPRINTABLE.sub("", directory).strip()
        if not path:
            return None
        if labels == "hashed" and not HASHED.fullmatch(path):
            return hmac.digest(secret, path.encode(), "sha256").hex()[:16]
        if labels == "basename_only":
            path = last_folder(path)
        # The end of a path tells more than its beginning.
        return path[-LONGEST:]

    return label


def last_folder(path: str) -> str:
    parts = [part for part in SEPARATORS.split(path) if part]
    return parts[-1] if parts else path
