"""Which logs there are: the agents' own folders, or whatever was named."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from app.facts.workspaces import labeller

ENDINGS = (b".jsonl", b".jsonl.zst")
# As a log is called at the server; some systems write it in capitals.
ENDING = re.compile(r"(\.jsonl|)(?:\.zst)?$", re.IGNORECASE)
# Lists of prompts beside the logs; they are none.
NO_LOGS = {b"history.jsonl"}
LONGEST_NAME = 500


class Found(NamedTuple):
    path: bytes
    observed: list[int]


@dataclass
class Search:
    """`failures`: what could not be looked at; `notes`: what was left out on purpose."""

    files: list[Found] = field(default_factory=list)
    failures: dict[bytes, str] = field(default_factory=dict)
    notes: list[tuple[bytes, str]] = field(default_factory=list)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def under(self, roots: Iterable[Path]) -> "Search":
        for root in roots:
            path = os.fsencode(os.path.abspath(root))  # noqa: PTH100 - links stay as they were named
            self._look(path, lambda path=path: os.stat(path), named=True)  # type: ignore[misc]  # noqa: PTH116
        return self

    def _look(self, path: bytes, ask: Callable[[], os.stat_result], *, named: bool = False) -> None:
        try:
            seen = ask()
            if stat.S_ISDIR(seen.st_mode):
                self._folder(path, seen, named=named)
            elif stat.S_ISREG(seen.st_mode):
                self._file(path, seen)
            else:
                self.notes.append((path, "It is neither a folder nor a file."))
        except OSError as error:
            self.failures[path] = f"It cannot be looked at: {error.strerror}."

    def _folder(self, path: bytes, seen: os.stat_result, *, named: bool) -> None:
        if not self._first_time(seen):
            if not named:
                self.notes.append((path, "It leads to a folder that was looked through already."))
            return
        with os.scandir(path) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                wanted = entry.name.lower().endswith(ENDINGS) and entry.name.lower() not in NO_LOGS
                # Only what may be a folder or a log is asked for more.
                if wanted or entry.is_symlink() or entry.is_dir():
                    self._entry(entry, wanted=wanted)

    def _entry(self, entry: os.DirEntry[bytes], *, wanted: bool) -> None:
        try:
            is_folder = entry.is_dir()
        except OSError as error:
            self.failures[entry.path] = f"It cannot be looked at: {error.strerror}."
            return
        if wanted or is_folder:
            self._look(entry.path, entry.stat)

    def _file(self, path: bytes, seen: os.stat_result) -> None:
        if self._first_time(seen):
            self.files.append(Found(path, [seen.st_size, seen.st_mtime_ns, seen.st_ino]))

    def _first_time(self, seen: os.stat_result) -> bool:
        """Whatever way leads there."""
        key = (seen.st_dev, seen.st_ino)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def own_folders(environment: Mapping[str, str]) -> list[Path]:
    """Where the agents keep their logs, those folders that are there."""
    home = Path(environment.get("HOME", "/"))
    claude = environment.get("CLAUDE_CONFIG_DIR", "")
    configured = [Path(one.strip()) for one in claude.split(",") if one.strip()]
    claudes = configured or [home / ".claude", home / ".config" / "claude"]
    codex = Path(environment.get("CODEX_HOME") or home / ".codex")
    folders = [one / "projects" for one in claudes] + [codex / "sessions", codex / "archived_sessions"]
    return [folder for folder in folders if folder.is_dir()]


def namer(labels: str, salt: bytes, home: str) -> Callable[[bytes], str]:
    """What a log is called at the server: by its path, or, where paths are not to be known, by a hash of its folder.

    Packed or not, it is the same log. It does not depend on where the search began.
    """
    hashed = labeller("hashed", salt)

    def name(path: bytes) -> str:
        folder, _, last = path.decode(errors="replace").rpartition("/")
        last = ENDING.sub(lambda match: match[1].lower(), last)
        if labels == "full_path":
            whole = f"{folder}/{last}".removeprefix(home.rstrip("/") + "/").lstrip("/")
            called = "".join(letter if letter.isprintable() else "?" for letter in whole)
        else:
            called = f"{hashed(folder + '/')}/{last if last.isprintable() else sha256(last.encode()).hexdigest()}"
        if len(called) > LONGEST_NAME:
            called = f"{sha256(called.encode()).hexdigest()[:16]}…{called[-400:]}"
        return called

    return name
