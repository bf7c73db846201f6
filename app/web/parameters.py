"""Unknown query parameters are refused: a misspelt filter that is ignored shows a wrong number."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from app.web.problems import Unprocessable

MOST_ERRORS = 100
LONGEST_NAME = 100


class KnownParameters:
    """Which query parameters each operation takes, read off our own OpenAPI description."""

    def __init__(self, openapi: Mapping[str, Any]) -> None:
        self._known = {
            (method.upper(), path): {p["name"]: p for p in operation.get("parameters", ()) if p["in"] == "query"}
            for path, operations in openapi["paths"].items()
            for method, operation in operations.items()
        }

    def check(self, request: Request) -> None:
        """Raises for a parameter the operation does not know, or a single one given twice."""
        given = request.query_params.multi_items()
        if not given:
            return
        route = getattr(request.scope.get("route"), "path", "")
        known = self._known.get((request.method, route), {})
        times = Counter(name for name, _ in given)
        errors = [
            {"loc": ["query", name[:LONGEST_NAME]], "msg": message, "type": kind}
            for name, n in times.items()
            if (refusal := refuse(known.get(name), n))
            for message, kind in [refusal]
        ]
        if errors:
            named = ", ".join(sorted(known)) or "none"
            sentence = f"query.{errors[0]['loc'][1]}: {errors[0]['msg']}; this address takes: {named}."
            raise Unprocessable(sentence, errors=errors[:MOST_ERRORS])


def refuse(parameter: Mapping[str, Any] | None, times: int) -> tuple[str, str] | None:
    if parameter is None:
        return "there is no such parameter", "extra_forbidden"
    if times > 1 and not is_list(parameter["schema"]):
        return "given more than once", "repeated"
    return None


def is_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(s.get("type") == "array" for s in schema.get("anyOf", ()))
