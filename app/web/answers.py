"""How whatever goes wrong becomes one problem document, and no more than that document."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.db.engine import Busy, Unreachable
from app.web.problems import (
    BadRequest,
    Conflict,
    ContentTooLarge,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unavailable,
    Unprocessable,
    title,
)

MEDIA_TYPE = "application/problem+json"
DOCUMENT = {"$ref": "#/components/schemas/ProblemDocument"}
AWAY = "The database is not available at the moment; nothing was lost, try again."
BUSY = "Tally is busy at the moment; nothing was lost, try again."
SLOW = "This took longer than allowed and was stopped; try again, or ask for less."
# By SQLSTATE, never by the name of a constraint: whole codes first, then classes.
STATES: Mapping[str, Problem] = {
    "57014": Unavailable(SLOW, retry_after=5),
    "55P03": Unavailable(BUSY),
    "40001": Unavailable(BUSY),
    "40P01": Unavailable(BUSY),
    "0A000": Unavailable(BUSY),  # a statement kept from before a column changed its type; it is made anew
    "25P03": Unavailable(SLOW, retry_after=5),
    "25P04": Unavailable(SLOW, retry_after=5),
    "23505": Conflict("This exists already."),
    "23503": Conflict("This refers to something that is not there, or something still refers to it."),
    "08": Unavailable(AWAY),
    "53": Unavailable(AWAY, retry_after=5),
    "57": Unavailable(AWAY),
    "58": Unavailable(AWAY, retry_after=5),
    "23514": Unprocessable("A value is outside of what can be stored."),
    "22": Unprocessable("A value is outside of what can be stored."),
}
# No connection, or one of no use: a server's farewell between two messages confuses the driver (InternalClientError).
LOST = (Unreachable, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# What the framework refuses by itself, in our words.
SENTENCES: Mapping[type[Problem], str] = {
    BadRequest: "The request could not be read: check its syntax.",
    NotFound: "There is nothing at this address.",
    MethodNotAllowed: "This address does not take this method; the Allow header names those it takes.",
}
RAISED: Sequence[type[Problem]] = (*SENTENCES, ContentTooLarge)
ROUTING: Mapping[int, type[Problem]] = {int(kind.status): kind for kind in RAISED}
MOST_ERRORS = 100
LONGEST_NAME = 100
# By pydantic's type of error. A pattern tells its reader little, so what is wrong is said instead.
IN_OUR_WORDS = {
    "missing": "must be given",
    "string_pattern_mismatch": "has characters, or a form, that are not taken here; see /docs",
}
UNEXPECTED = "Something went wrong on our side; it is logged under the request id of this answer."


def respond(scope: Mapping[str, Any], problem: Problem) -> Response:
    """The problem document; what was wrong is said once, in `detail`."""
    state = scope.get("state") or {}
    document = {
        "type": "about:blank",
        "title": title(problem.status),
        "status": int(problem.status),
        "detail": problem.detail,
        "instance": scope.get("path", ""),
        "request_id": state.get("request_id", ""),
    }
    if problem.errors is not None:
        document["errors"] = list(problem.errors)
    return Response(
        orjson.dumps(document, default=str), status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def of_database(error: BaseException) -> Problem | None:
    """None where the database's refusal is our own fault."""
    if isinstance(error, Busy):
        return Unavailable(BUSY)
    cause = error.orig if isinstance(error, DBAPIError) else error
    # Of one error, the statement that must be made anew, SQLAlchemy drops the state and keeps the cause.
    state = getattr(cause, "sqlstate", None) or getattr(getattr(cause, "__cause__", None), "sqlstate", None)
    if state is not None:
        return STATES.get(state) or STATES.get(state[:2])
    broken = isinstance(error, LOST) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    return STATES["08"] if broken else None


def of_validation(errors: Sequence[Any]) -> Problem:
    """Where and which rule; never the value that was sent."""
    listed = [{"loc": place(e["loc"]), "msg": rule(e), "type": e["type"]} for e in errors[:MOST_ERRORS]]
    first = listed[0]
    where = ".".join(str(part) for part in first["loc"]) or "the request"
    return Unprocessable(f"{where}: {first['msg']}.", errors=listed)


def place(loc: Sequence[str | int]) -> list[str | int]:
    """Names of unknown fields are the caller's, of any length."""
    return [part if isinstance(part, int) else part[:LONGEST_NAME] for part in loc]


def rule(error: Mapping[str, Any]) -> str:
    """In plain words."""
    if said := IN_OUR_WORDS.get(error["type"]):
        return said
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{message}, {error['ctx']['error']}" if error["type"] == "json_invalid" else message


def of_routing(error: HTTPException) -> Problem:
    """Not found, not allowed, too large: what the framework raises, in our words."""
    kind = ROUTING.get(error.status_code, BadRequest)
    return kind(SENTENCES.get(kind, str(error.detail)), headers=dict(error.headers or {}))


def translate(error: Exception) -> Problem | None:
    """The problem an exception stands for; None for one that nobody foresaw."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return of_validation(error.errors())
        case HTTPException():
            return of_routing(error)
        case _:
            return of_database(error)


def allowed(request: Request) -> str:
    """Every method of the address; the framework names those of the first handler alone."""
    route = getattr(request.scope.get("route"), "path", "")
    methods = {method.upper() for method in request.app.openapi()["paths"].get(route, ())} or {"GET"}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


FORESEEN = (Problem, RequestValidationError, HTTPException, DBAPIError, asyncpg.PostgresError)


def install(app: FastAPI) -> None:
    """Answer the foreseen inside the router; the rest passes on to the outermost layer, which logs it."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = translate(error)
        if problem is None:
            raise error
        if problem.status == MethodNotAllowed.status:
            problem.headers = {"Allow": allowed(request)}
        return respond(request.scope, problem)

    for kind in (*FORESEEN, *LOST):
        app.add_exception_handler(kind, handle)
