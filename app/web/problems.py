"""What can go wrong, as RFC 9457 problems.

Problem                 500 unless a subclass says otherwise
├── BadRequest          400
├── Unauthorized        401  one uniform answer, whatever was wrong with the credentials
├── Forbidden           403  names the role needed
├── NotFound            404  also for what belongs to another account
├── MethodNotAllowed    405
├── Conflict            409
├── ContentTooLarge     413
├── UnsupportedMedia    415
├── Unprocessable       422
├── TooManyRequests     429
└── Unavailable         503  always with Retry-After
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, Field

# Python renamed these two on the way to 3.13; our documents read the same on each.
RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


def title(status: int) -> str:
    return RENAMED.get(status) or HTTPStatus(status).phrase


class Problem(Exception):
    """An answer that is not 2xx: `detail` is one plain sentence, what was wrong and what to do."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(
        self,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        errors: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.errors = errors


class BadRequest(Problem):
    status = HTTPStatus.BAD_REQUEST


class Unauthorized(Problem):
    """Carries no reason: a caller who guesses learns nothing from the answer."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__(
            "Valid credentials are needed: send 'Authorization: Bearer <token>'; "
            "POST /api/v1/auth/token gives one for an API key.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class Forbidden(Problem):
    status = HTTPStatus.FORBIDDEN


class NotFound(Problem):
    status = HTTPStatus.NOT_FOUND


class MethodNotAllowed(Problem):
    status = HTTPStatus.METHOD_NOT_ALLOWED


class Conflict(Problem):
    status = HTTPStatus.CONFLICT


class ContentTooLarge(Problem):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMedia(Problem):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class Unprocessable(Problem):
    """Always with `errors`, so that a client may rely on it: where no field is to blame, the sentence itself."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, detail: str, *, errors: Sequence[dict[str, Any]] | None = None, **more: Any) -> None:
        super().__init__(detail, errors=errors or [{"loc": [], "msg": detail, "type": "refused"}], **more)


class TooManyRequests(Problem):
    status = HTTPStatus.TOO_MANY_REQUESTS


class Unavailable(Problem):
    """Try again: nothing was lost."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class FieldError(BaseModel):
    """One thing wrong with what was sent."""

    loc: list[str | int]
    msg: str
    type: str


class ProblemDocument(BaseModel):
    """The body of every answer that is not 2xx, as `application/problem+json`."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Forbidden"])
    status: int = Field(examples=[403])
    detail: str = Field(examples=["This needs the engineer or admin role."])
    instance: str = Field(examples=["/api/v1/analytics/usage"])
    request_id: str
    errors: list[FieldError] | None = Field(default=None, description="With 422: where, what, which rule.")
