"""The compact form of a token (RFC 7515): header, claims and signature, each with one spelling only."""

import base64
import json
from typing import Any, NamedTuple, NoReturn

from app.web.problems import Unauthorized


class Parts(NamedTuple):
    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def take_apart(token: str) -> Parts:
    """Header and claims, each decoded once and strictly; nothing in them is to be believed yet."""
    if token.count(".") != 2:
        raise Unauthorized
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    return Parts(_json(_bytes(header)), _json(_bytes(claims)), signed.encode(), _bytes(signature))


def _bytes(segment: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise Unauthorized from None
    # The decoder skips what it does not know (line ends, "=", stray bits). Only the one spelling that the
    # bytes encode back to is taken, so that no token has a second form.
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise Unauthorized
    return data


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = _JSON.decode(data.decode())
    except (ValueError, RecursionError):
        raise Unauthorized from None
    if not isinstance(value, dict):
        raise Unauthorized
    return value


def _object_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of a repeated name could each believe another value."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_JSON = json.JSONDecoder(object_pairs_hook=_object_once, parse_constant=_no_constant)
