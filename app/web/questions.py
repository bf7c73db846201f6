"""What is kept of a question once it was answered or refused: ids, the window, the filters; and no secret."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from urllib.parse import parse_qsl
from uuid import UUID

import orjson

from app.secrets import redacted

Window = tuple[datetime, datetime, str]
Given = Mapping[str, Sequence[str]]
# Longer than this, filters are noted by how many values they had; whose data was asked for is named all the same.
LONGEST = 1_000
MOST_IDS = 100
WINDOW = ("start_date", "end_date", "timezone")
MOMENT_OR_ZONE = re.compile(r"[\w/+: .-]{1,64}", re.ASCII)
NAME = re.compile(r"[a-z_]{1,40}", re.ASCII)
# It says where a page begins, not what was asked.
CURSOR = "cursor"
NOTHING = "{}"


def as_text(parameters: Mapping[str, object]) -> str:
    """As it is kept: JSON, in which what looked like a secret has lost it."""
    return redacted(orjson.dumps(parameters, default=str, option=orjson.OPT_UTC_Z))[0].decode()


@lru_cache(maxsize=256)
def parameters_of(query: bytes, window: Window | None) -> str:
    """Of a question that was answered; the window as it was used."""
    return as_text(kept(values_of(query)) | dict(zip(WINDOW, window or (), strict=False)))


def outline_of(query: bytes, path: Mapping[str, str]) -> str:
    """Of a question that nobody checked to the end: what has the form of an id or of a window, else how many."""
    if not query and not path:
        return NOTHING
    return as_text(outline(values_of(query)) | {name: one for name in path if (one := id_of(path[name]))})


def kept(given: Given) -> dict[str, object]:
    """Every value while there is room for all of them."""
    whole = {name: alone(values) for name, values in given.items()}
    return whole if len(as_text(whole)) <= LONGEST else outline(given)


def outline(given: Given) -> dict[str, object]:
    said: dict[str, object] = {}
    for name, values in given.items():
        ids = [value for value in values if is_of_id(name) and id_of(value)]
        if ids:
            said[name] = alone(ids[:MOST_IDS])
        elif name in WINDOW and MOMENT_OR_ZONE.fullmatch(values[0]):
            said[name] = values[0]
        elif NAME.fullmatch(name):
            said[name] = len(values)
    return said


def values_of(query: bytes) -> dict[str, list[str]]:
    """By name, each value once. PostgreSQL keeps no NUL."""
    given: dict[str, dict[str, None]] = {}
    for name, value in parse_qsl(query.decode("latin-1").replace("%00", "")):
        if name != CURSOR:
            given.setdefault(name, {})[(id_of(value) if is_of_id(name) else None) or value] = None
    return {name: list(values) for name, values in given.items()}


def alone(values: Sequence[str]) -> object:
    return values[0] if len(values) == 1 else values


def is_of_id(name: str) -> bool:
    return name.endswith("_id")


def id_of(value: str) -> str | None:
    """In the one way of writing it; None for what is no id."""
    with suppress(ValueError):
        return str(UUID(value))
    return None
