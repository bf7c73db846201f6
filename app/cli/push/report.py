"""What a push did, counted, in words and as JSON. Nothing is left out silently."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MEGA = 1_000_000
# Older than the account keeps: no fault of anybody's.
NO_FAULT = "too_old"
SHOWN = 20
SUMS = (
    "pushed", "bytes_read", "bytes_sent", "rows_read", "rows_stored", "rows_unchanged", "rows_rejected", "secrets",
)  # fmt: skip


@dataclass
class Report:
    found: int = 0
    unchanged: int = 0
    pushed: int = 0
    no_logs: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    bytes_read: int = 0
    bytes_sent: int = 0
    rows_read: int = 0
    rows_stored: int = 0
    rows_unchanged: int = 0
    rows_rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    # The first of them: file, line and code.
    broken: list[dict[str, Any]] = field(default_factory=list)
    secrets: int = 0
    dry_run: bool = False
    raw: bool = False
    # Why not everything was looked at.
    stopped: str = ""
    rounds: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def speed(self) -> float:
        """Megabytes a second."""
        return self.bytes_read / MEGA / max(self.seconds, 1e-3)

    @property
    def rows_unanswered(self) -> int:
        """Read, and not answered for: they had not been sent, or their answer was not waited for."""
        return 0 if self.dry_run else self.rows_read - self.rows_stored - self.rows_unchanged - self.rows_rejected

    @property
    def files_left(self) -> int:
        """Found, and not come to their end."""
        if not self.stopped:
            return 0
        return self.found - self.pushed - self.unchanged - self.no_logs - len(self.failures)

    @property
    def adds_up(self) -> bool:
        """Every row that was read was answered for."""
        return bool(self.stopped) or not self.rows_unanswered

    @property
    def ok(self) -> bool:
        return not self.failures and not self.stopped and self.adds_up

    def add(self, other: "Report") -> None:
        """Another round of the same push."""
        self.rounds += 1
        self.found, self.no_logs = other.found, other.no_logs
        if self.rounds == 1:  # later everything is unchanged that was just pushed
            self.unchanged = other.unchanged
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons.update(other.reasons)
        self.lines.update(other.lines)
        self.failures, self.notes = other.failures, other.notes

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "dry_run": self.dry_run,
            "stopped": bool(self.stopped),
            "files": {
                "found": self.found,
                "pushed": self.pushed,
                "unchanged": self.unchanged,
                "no_session_log": self.no_logs,
                "failed": len(self.failures),
                "left": self.files_left,
            },
            "rows": {
                "read": self.rows_read,
                "stored": self.rows_stored,
                "unchanged": self.rows_unchanged,
                "rejected": self.rows_rejected,
                "unanswered": self.rows_unanswered,
                "reasons": dict(self.reasons),
            },
            "bytes_read": self.bytes_read,
            "bytes_sent": self.bytes_sent,
            "secrets_redacted": self.secrets,
            "broken_lines": dict(self.lines),
            "broken": self.broken,
            "seconds": round(self.seconds, 3),
            "megabytes_per_second": round(self.speed, 2),
            "failures": [{"file": file, "reason": why} for file, why in self.failures.items()],
            "notes": self.notes,
        }

    def summary(self) -> list[str]:
        files = f"{self.found:,} found: {self.pushed:,} {'to push' if self.dry_run else 'pushed'}"
        if self.rounds:  # some of them more than once
            files = f"{self.found:,} found in the end; {self.pushed:,} times one was pushed"
        parts = {
            "unchanged": 0 if self.rounds else self.unchanged,
            "no session log": self.no_logs,
            "failed": len(self.failures),
            "left for the next time": self.files_left,
        }
        files += "".join(f", {number:,} {what}" for what, number in parts.items() if number)
        rows = f"{self.rows_read:,} read"
        if not self.dry_run:
            rows += (
                f" = {self.rows_stored:,} stored + {self.rows_unchanged:,} unchanged + {self.rows_rejected:,} rejected"
            )
        if self.rows_unanswered:
            rows += f" + {self.rows_unanswered:,} not answered for"
        lines = [f"files  {files}"] if self.raw else [f"files  {files}", f"rows   {rows}"]
        if self.bytes_read:
            read = f"{self.bytes_read / MEGA:,.1f} MB in {self.seconds:,.1f} s ({self.speed:,.1f} MB/s)"
            lines.append(f"read   {read}, {self.bytes_sent / MEGA:,.1f} MB sent")
        lines += [f"note   {note}" for note in self._notes()]
        if self.dry_run:
            lines.append("note   Nothing was sent: this was a dry run.")
        return lines

    def _notes(self) -> list[str]:
        notes = [*self.notes[:SHOWN]]
        if len(self.notes) > SHOWN:
            notes.append(f"… and {len(self.notes) - SHOWN:,} more.")
        if old := self.reasons[NO_FAULT]:
            notes.append(f"{old:,} rows are older than the account keeps and were not taken.")
        if self.lines:
            lines = ", ".join(f"{number:,} {code}" for code, number in self.lines.most_common())
            first = f", the first at {self.broken[0]['file']}:{self.broken[0]['line']}" if self.broken else ""
            notes.append(f"Lines that were not as they should be ({lines}{first}); what could be read of them was.")
        if self.secrets:
            notes.append(f"{self.secrets:,} secret-shaped strings were redacted before anything was sent.")
        return notes

    def complaints(self) -> list[str]:
        """Sentences for stderr."""
        said = [f"{file}: {why}" for file, why in list(self.failures.items())[:SHOWN]]
        if len(self.failures) > SHOWN:
            said.append(f"{len(self.failures) - SHOWN:,} more files failed; --json names them all.")
        if not self.adds_up:
            said.append("The server answered for fewer or more rows than were sent: run it again.")
        if self.stopped:
            said.append(f"{self.stopped} What the server has is written down; the same command goes on from there.")
        return said
