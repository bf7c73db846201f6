"""What every answer that is not 2xx must be."""

from typing import Any

import httpx

DOCUMENT = {"type", "title", "status", "detail", "instance", "request_id"}


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Exactly the shape that is promised, and nothing of what is inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document.keys() == (DOCUMENT | {"errors"} if status == 422 else DOCUMENT)
    assert document["status"] == status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["instance"] == answer.request.url.path
    for inside in ("Traceback", "SELECT", "sqlalchemy", "asyncpg", ".py", "users_pkey", "app_account"):
        assert inside not in answer.text
    return document
