"""Entity tags: what a client may keep, as long as asking again gives the same."""

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import Header, status
from starlette.responses import Response

# Kept by the caller alone, and asked about before each use.
KEPT = "private, no-cache"
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not modified: what `If-None-Match` names is still the answer."}
}
TAGGED: dict[str, Any] = {
    "headers": {"ETag": {"description": "Send it as `If-None-Match` next time.", "schema": {"type": "string"}}}
}
IfNoneMatch = Annotated[
    str | None, Header(description="The `ETag` of an earlier answer; while nothing changed the answer is 304.")
]


def tag_of(*parts: object) -> str:
    """Equal parts, equal tag."""
    return f'"{hashlib.blake2s(orjson.dumps(parts, default=str), digest_size=15).hexdigest()}"'


def is_known(tag: str, given: str | None) -> bool:
    """Whether If-None-Match names the tag; compared weakly, as RFC 9110 wants it."""
    if given is None:
        return False
    named = [part.strip().removeprefix("W/") for part in given.split(",")]
    return tag in named or named == ["*"]


def not_modified(tag: str) -> Response:
    return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers(tag))


def headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": KEPT}
