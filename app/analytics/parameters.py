"""What is asked for: the query parameters that reports share."""

import re
from datetime import date, datetime
from functools import cache
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field, PlainValidator, TypeAdapter, WithJsonSchema

from app.web.schema import Line, spelled_out

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# A plus sign that nobody escaped arrives as a space.
UNESCAPED = re.compile(r"(?<=[\d:.,]{5}) (?=\d{2}:?\d{2}$)", re.ASCII)
INSTANT: TypeAdapter[datetime] = TypeAdapter(datetime)
YEARS = range(1970, 2200)
MOST_VALUES = 100


@cache
def zones() -> frozenset[str]:
    """Looked up once: asking for them walks a directory tree. `localtime` is the machine's own, whichever that is."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def known_zone(name: str) -> str:
    if name not in zones():
        raise ValueError("must be an IANA time zone such as Europe/Berlin")
    return name


def moment(text: object) -> date | datetime:
    """A day, or an instant with or without an offset; years that every zone can show."""
    found = parse(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("must be a day such as 2026-05-03 or an instant such as 2026-05-03T08:00:00Z")
    if found.year not in YEARS:
        raise ValueError("must lie in the years 1970 to 2199")
    return found


def parse(text: str) -> date | datetime | None:
    """Instants as what comes in takes them: more precise than a microsecond is cut."""
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
        return INSTANT.validate_python(spelled_out(UNESCAPED.sub("+", text)))
    except ValueError:
        return None


Moment = Annotated[
    date | datetime, PlainValidator(moment), WithJsonSchema({"type": "string", "examples": ["2026-05-03"]})
]
Zone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(known_zone)]


class WindowQuery(BaseModel, extra="forbid"):
    """A window of time: both ends belong to it."""

    start_date: Annotated[
        Moment | None,
        Field(
            description="First day or instant. A day means all of it; an instant without offset is in the reporting"
            " time zone. Default: 30 days before the end, so that 31 local days are touched."
        ),
    ] = None
    end_date: Annotated[
        Moment | None,
        Field(description="Last day or instant, inclusive. Default: now, to the end of the running minute."),
    ] = None
    timezone: Annotated[
        Zone | None, Field(description="IANA zone whose days are reported. Default: the account's.")
    ] = None


Values = Field(max_length=MOST_VALUES)


class Members(BaseModel, extra="forbid"):
    user_id: Annotated[
        list[UUID], Values, Field(description="Only what belongs to sessions of these members. Repeatable, up to 100.")
    ] = []


class Models(BaseModel, extra="forbid"):
    model: Annotated[
        list[Line], Values, Field(description="Only messages with one of these model ids. Repeatable, up to 100.")
    ] = []


class Agents(BaseModel, extra="forbid"):
    agent: Annotated[
        list[Line],
        Values,
        Field(description="Only messages of these agents; `unknown` are those that name none. Repeatable, up to 100."),
    ] = []


class Compare(BaseModel, extra="forbid"):
    compare: Annotated[
        Literal["previous"] | None,
        Field(
            description="`previous` adds the totals of the equally long window just before: as many local days"
            " when both ends are days, else as much time."
        ),
    ] = None


class ReportQuery(Compare, Agents, Models, Members, WindowQuery):
    """What most reports take."""
