"""What all shapes share: what may come in, how things go out."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import status
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from app.web.problems import ProblemDocument

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
SPELLED = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]", re.ASCII)
MICROS = 1_000_000
# Controls, and what turns or parts text unseen. Not the joiners: scripts and signs need them.
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def without_nul(text: str) -> str:
    """PostgreSQL cannot keep NUL; say so here rather than fail there."""
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


def visible(text: str) -> str:
    """A name that hides or turns letters passes for another's."""
    if HIDDEN.search(text):
        raise ValueError("must not contain control characters or others that nobody sees")
    return text


def not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def spelled_out(instant: object) -> object:
    """Bare numbers are instants too to pydantic: seconds, or thousandths of them, since 1970, as it guesses."""
    if isinstance(instant, datetime) or (isinstance(instant, str) and SPELLED.match(instant)):
        return instant
    raise ValueError("must be an instant such as 2026-05-03T08:00:00Z")


def within_reason(instant: datetime) -> datetime:
    """Years near 1 and 9999 leave the calendar once an offset is applied."""
    try:
        utc = instant.astimezone(UTC)
    except (OverflowError, ValueError):
        utc = None
    if utc is None or not EARLIEST <= utc < LATEST:
        raise ValueError("must be an instant from 1970 up to 2199")
    return utc


def in_z(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(without_nul), AfterValidator(not_blank)]
# What people are shown and choose by.
Name = Annotated[Line, AfterValidator(visible)]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(spelled_out),
    AfterValidator(within_reason),
    PlainSerializer(in_z, return_type=str, when_used="json"),
]


class Body(BaseModel):
    """What a caller sends: a field we do not know is refused, so that none is silently ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def left_out() -> Any:
    """The default of a field that may be left out but never null: `= Field(default_factory=left_out)`."""
    return None


class Shape(BaseModel):
    """What we answer."""

    model_config = ConfigDict(from_attributes=True)


def dollars(micros: int | None) -> str | None:
    """Money goes out as a decimal string; unknown stays unknown."""
    if micros is None:
        return None
    whole, part = divmod(abs(micros), MICROS)
    return f"{whole}.{part:06}" if micros >= 0 else f"-{whole}.{part:06}"


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route may answer beside those every route may, for OpenAPI."""
    return {code: {"model": ProblemDocument} for code in (*statuses, *EVERYWHERE)}


EVERYWHERE: Sequence[int] = (
    status.HTTP_422_UNPROCESSABLE_CONTENT,
    status.HTTP_500_INTERNAL_SERVER_ERROR,
    status.HTTP_503_SERVICE_UNAVAILABLE,
)
