"""Answers as bytes, made of plain values: checking each against its shape again costs more than reading it.

Tests hold real answers against the shapes that the description shows.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def as_json(body: Mapping[str, Any]) -> bytes:
    # The driver's own kind of UUID is not one that orjson knows.
    return orjson.dumps(body, default=str, option=OPTIONS)


def answer(body: Mapping[str, Any]) -> Response:
    return Response(as_json(body), media_type="application/json")
