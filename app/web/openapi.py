"""The description of the API: what the framework reads off the handlers, and what holds for all of them."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.web.answers import DOCUMENT, MEDIA_TYPE
from app.web.problems import title

FOR_ALL = (422, 500, 503)
SECURED = (401, 403, 429)
WITH_BODY = (400, 413, 415)
UNUSED = ("HTTPValidationError", "ValidationError")
COUNT = {"type": "integer", "minimum": 0}
RETRY = {"Retry-After": {"description": "Seconds to wait before trying again.", "schema": {**COUNT, "minimum": 1}}}
LIMITS = {
    "RateLimit-Limit": {"description": "Requests this key may make at once.", "schema": COUNT},
    "RateLimit-Remaining": {"description": "How many of them are left.", "schema": COUNT},
    "RateLimit-Reset": {"description": "Seconds until all of them are back.", "schema": COUNT},
}
HEADERS: dict[str, dict[str, Any]] = {"429": {**RETRY, **LIMITS}, "503": RETRY}


def describe(app: FastAPI, shapes: Mapping[str, Any], examples: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI. Built once; a role stands in the scopes of an operation's security, whose id is its handler's name.

    `shapes` are those of bodies that a handler reads by itself; `examples` are whole answers, by operation id.
    """
    if app.openapi_schema is None:
        for route in app.routes:
            if isinstance(route, APIRoute):
                route.operation_id = route.name
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for operations in schema["paths"].values():
            for operation in operations.values():
                declare_problems(operation)
                if (example := examples.get(operation["operationId"])) is not None:
                    operation["responses"]["200"]["content"]["application/json"]["example"] = example
        schema["components"]["schemas"] |= shapes
        for name in UNUSED:
            schema["components"]["schemas"].pop(name, None)
        app.openapi_schema = schema
    return app.openapi_schema


def declare_problems(operation: dict[str, Any]) -> None:
    """Every answer that is not 2xx is a problem document, and which may come follows from what is asked for."""
    answers = operation["responses"]
    expected = {*FOR_ALL}
    if operation.get("security"):
        expected.update(SECURED)
    if "requestBody" in operation:
        expected.update(WITH_BODY)
    for status in expected:
        answers.setdefault(str(status), {})
    for status, answer in answers.items():
        if not status.startswith("2") and status != "304":
            answer |= {"description": title(int(status)), "content": {MEDIA_TYPE: {"schema": DOCUMENT}}}
            if status in HEADERS:
                answer["headers"] = HEADERS[status]
    operation["responses"] = dict(sorted(answers.items()))
