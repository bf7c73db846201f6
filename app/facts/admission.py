"""From a body to rows that may come in, and for each that may not, why."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError

from app.facts.rows import ROWS, HandoffRow, MessageRow, Row, SessionRow, StepRow, ToolCallRow
from app.web.problems import Unprocessable
from app.web.schema import Shape

MOST_ROWS = 10_000
# A row is one flat object of at most twenty fields. What has far more marks than such rows need is not worth
# unpacking into objects that take fifty times its room.
MOST_MARKS = {b"{": 8 * MOST_ROWS, b"[": 8 * MOST_ROWS, b",": 24 * MOST_ROWS}
AHEAD = timedelta(minutes=5)
PAUSE_EVERY = 500
CONTENT = re.compile(
    r"text|prompt|output$|argument|payload|content|body|response$|completion$|message$|input$|html|data$"
)


class RowError(Shape):
    """Why one row was not taken."""

    kind: str
    index: int
    id: str | None
    code: str
    detail: str


@dataclass
class Admitted:
    """Rows with their places in what was sent."""

    sessions: list[tuple[int, SessionRow]] = field(default_factory=list)
    messages: list[tuple[int, MessageRow]] = field(default_factory=list)
    tool_calls: list[tuple[int, ToolCallRow]] = field(default_factory=list)
    steps: list[tuple[int, StepRow]] = field(default_factory=list)
    handoffs: list[tuple[int, HandoffRow]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    received: int = 0

    def copy(self) -> "Admitted":
        """For another try: what is sifted out of a copy stays in this."""
        return replace(self, errors=[*self.errors])

    def refuse(self, kind: str, index: int, row: Row, error: tuple[str, str]) -> None:
        self.errors.append(RowError(kind=kind, index=index, id=row.id, code=error[0], detail=error[1]))  # type: ignore[attr-defined]

    def all(self) -> Iterator[tuple[str, int, Any]]:
        """Every admitted row with its kind."""
        for kind in ROWS:
            for index, row in getattr(self, kind):
                yield kind, index, row

    def names(self) -> set[str]:
        """What the sessions are called that the rows speak of."""
        return {row.id if kind == "sessions" else row.session_id for kind, _, row in self.all()}

    def sift(self, refusal: Any) -> None:
        """Keep the rows for which `refusal(kind, row)` is None."""
        for kind in ROWS:
            kept = []
            for index, row in getattr(self, kind):
                error = refusal(kind, row)
                if error is None:
                    kept.append((index, row))
                else:
                    self.refuse(kind, index, row, error)
            setattr(self, kind, kept)


def parse(raw: bytes) -> dict[str, list[Any]]:
    """The lists of a batch; what is wrong with the whole is said here."""
    for mark, most in MOST_MARKS.items():
        if raw.count(mark) > most:
            raise Unprocessable(
                f"The body holds far more than {MOST_ROWS:,} flat rows need ({most:,} of {mark.decode()!r}): send less."
            )
    try:
        batch = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Unprocessable("The body is not JSON in UTF-8, or is nested too deeply.") from None
    if not isinstance(batch, dict) or not batch.keys() <= ROWS.keys():
        raise Unprocessable(f"The body must be an object of lists: {', '.join(ROWS)}.")
    for kind, rows in batch.items():
        if not isinstance(rows, list):
            raise Unprocessable(f"'{kind}' must be a list.")
    if sum(map(len, batch.values())) > MOST_ROWS:
        raise too_many()
    return batch


def too_many() -> Unprocessable:
    return Unprocessable(f"A call takes at most {MOST_ROWS:,} rows, all kinds together: send them in several calls.")


async def admit(batch: Mapping[str, list[Any]]) -> Admitted:
    """Each row by itself: a bad one keeps none of the others out. Lets other requests have a turn in between.

    What was looked at is let go of at once: nothing is left in the lists.
    """
    admitted = Admitted(received=sum(map(len, batch.values())))
    for kind, shape in ROWS.items():
        validate = shape.__pydantic_validator__.validate_python
        accepted, fields = getattr(admitted, kind), shape.model_fields.keys()
        rows = batch.get(kind, [])
        for index in range(len(rows)):
            sent, rows[index] = rows[index], None
            if index % PAUSE_EVERY == PAUSE_EVERY - 1:
                await asyncio.sleep(0)
            # Asked before pydantic is, which would make a note of each of half a million unknown names.
            if isinstance(sent, dict) and not sent.keys() <= fields:
                admitted.errors.append(row_error(kind, index, sent, *unknown_field(sent, shape)))
                continue
            try:
                accepted.append((index, validate(sent)))
            except ValidationError as error:
                admitted.errors.append(row_error(kind, index, sent, *invalid(error)))
    return admitted


def unknown_field(sent: dict[str, Any], shape: type[Row]) -> tuple[str, str]:
    name = next(name for name in sent if name not in shape.model_fields)[:100]
    if CONTENT.search(name.lower()):
        return "content", f"{name}: Tally keeps numbers and names, never content; leave it out."
    return "unknown_field", f"{name}: there is no such field."


def invalid(error: ValidationError) -> tuple[str, str]:
    """The first thing wrong, naming the field and never quoting the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = ".".join(map(str, first["loc"])) or "row"
    return "invalid", f"{name}: {first['msg'].removeprefix('Value error, ')}."


def row_error(kind: str, index: int, sent: Any, code: str, detail: str) -> RowError:
    own = sent.get("id") if isinstance(sent, dict) else None
    named = str(own)[:200] if isinstance(own, str | int) else None
    return RowError(kind=kind, index=index, id=named, code=code, detail=detail)


def out_of_time(now: datetime, earliest: datetime | None) -> Any:
    """Refuses what is dated in the future, and what is older than the account keeps."""
    latest = now + AHEAD

    def refusal(kind: str, row: Any) -> tuple[str, str] | None:
        for name in DATES[kind]:
            time = getattr(row, name)
            if time is not None and time > latest:
                return "future", "It is dated more than 5 minutes in the future: check the producer's clock."
        if earliest is not None and (dated := date_of(row)) is not None and dated < earliest:
            return "too_old", f"It is dated before {earliest:%Y-%m-%d}: the account keeps, or has kept, nothing older."
        return None

    return refusal


# By kind: to ask a row for a field its kind does not have costs more than all the rest of the check.
DATES = {
    kind: [name for name in ("created_at", "updated_at", "started_at", "completed_at", "claimed_at") if name in fields]
    for kind, fields in ((kind, shape.model_fields) for kind, shape in ROWS.items())
}


def date_of(row: Any) -> datetime | None:
    """When a row happened."""
    if isinstance(row, ToolCallRow):
        return row.started_at or row.completed_at
    dated: datetime = row.created_at
    return dated
