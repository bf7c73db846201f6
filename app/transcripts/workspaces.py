"""What a working directory is called in reports: by path, by hash, or by last folder, as the account chose."""

import hmac
import re
from collections.abc import Callable
from typing import Literal

Labels = Literal["full_path", "hashed", "basename_only"]
LONGEST = 200
# Logs of Windows machines have drives and backslashes.
SEPARATORS = re.compile(r"[/\\]+")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def labeller(labels: Labels, secret: bytes) -> Callable[[str], str | None]:
    """The rule as a function of the directory. None where there is nothing to call it by."""

    def label(directory: str) -> str | None:
        path = UNPRINTABLE.sub("", directory).strip()
        if not path:
            return None
        if labels == "hashed":
            return hmac.digest(secret, path.encode(), "sha256").hex()[:16]
        if labels == "basename_only":
            path = last_folder(path)
        # The end of a path tells more than its beginning.
        return path[-LONGEST:]

    return label


def last_folder(path: str) -> str:
    parts = [part for part in SEPARATORS.split(path) if part]
    return parts[-1] if parts else path
