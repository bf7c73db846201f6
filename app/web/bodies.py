"""What may come in as a body: so many bytes, and JSON that reads the same to everybody."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.problems import ContentTooLarge, UnsupportedMedia

JSON_ONLY = "This address takes JSON: send the body in UTF-8 with 'Content-Type: application/json'."


class TooLarge(HTTPException):
    """An HTTPException, because the framework turns any other error met while reading a body into a 400."""

    def __init__(self, largest: int) -> None:
        super().__init__(
            ContentTooLarge.status, f"The request body may have at most {largest} bytes: send less at once."
        )


class BodyLimit:
    """Stops reading where a body grows too large; one that says so itself is not read at all.

    A route that takes more, or less, sets `request.state.max_body_bytes` before it reads.
    """

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared, read = declared_length(scope), 0

        async def limited() -> Message:
            nonlocal read
            largest = scope["state"].get("max_body_bytes", self.largest)
            if declared > largest:
                raise TooLarge(largest)
            message = await receive()
            read += len(message.get("body", b""))
            if read > largest:
                raise TooLarge(largest)
            return message

        await self.app(scope, limited, send)


def declared_length(scope: Mapping[str, Any]) -> int:
    """0 where the body comes in chunks."""
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(given) if given.isdigit() else 0


class JsonRequest(Request):
    """A request whose JSON is taken strictly: UTF-8, each name once in an object, no NaN, no endless nesting.

    Two readers of a repeated name could each believe another value.
    """

    async def json(self) -> Any:
        body = await self.body()
        try:
            return STRICT.decode(body.decode())
        except json.JSONDecodeError:
            raise
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError("not UTF-8", "", error.start) from None
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError(str(error) if isinstance(error, ValueError) else TOO_DEEP, "", 0) from None

    def require_json(self) -> None:
        """Raises for a body that is announced as something else."""
        if "transfer-encoding" not in self.headers and not declared_length(self.scope):
            return
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
            raise UnsupportedMedia(JSON_ONLY)


TOO_DEEP = "nested too deeply"


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return members


def no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


STRICT = json.JSONDecoder(object_pairs_hook=once_each, parse_constant=no_constant)
