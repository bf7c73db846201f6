"""Query parameters, read once. Unknown ones are refused: a misspelt filter that is ignored shows a wrong number."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant

from app.web.problems import Unprocessable

MOST_ERRORS = 100
LONGEST_NAME = 100


class Parameters:
    """Those of one operation: the fields of the shape that it declares for them, if it takes any."""

    def __init__(self, declared: Dependant) -> None:
        shapes: Sequence[Any] = [field.field_info.annotation for field in declared.query_params]
        properties = {name: kind for shape in shapes for name, kind in shape.model_json_schema()["properties"].items()}
        self._repeatable = {name: is_list(kind) for name, kind in properties.items()}

    def read(self, query: bytes) -> dict[str, str | list[str]]:
        """By name. Raises for a parameter that the operation does not know, or a single one given twice."""
        if not query:
            return {}
        given: dict[str, list[str]] = {}
        for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            given.setdefault(name, []).append(value)
        errors = [
            {"loc": ["query", name[:LONGEST_NAME]], "msg": message, "type": kind}
            for name, values in given.items()
            if (refusal := self._refusal(name, len(values)))
            for message, kind in [refusal]
        ]
        if errors:
            named = ", ".join(sorted(self._repeatable)) or "none"
            sentence = f"query.{errors[0]['loc'][1]}: {errors[0]['msg']}; this address takes: {named}."
            raise Unprocessable(sentence, errors=errors[:MOST_ERRORS])
        return {name: values if self._repeatable[name] else values[0] for name, values in given.items()}

    def _refusal(self, name: str, times: int) -> tuple[str, str] | None:
        if name not in self._repeatable:
            return "there is no such parameter", "extra_forbidden"
        if times > 1 and not self._repeatable[name]:
            return "given more than once", "repeated"
        return None


def is_list(kind: Mapping[str, Any]) -> bool:
    return kind.get("type") == "array" or any(one.get("type") == "array" for one in kind.get("anyOf", ()))
