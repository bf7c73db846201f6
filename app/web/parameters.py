"""Query parameters, read once. Unknown ones are refused: a misspelt filter that is ignored shows a wrong number."""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant

from app.web.problems import Unprocessable

MOST_ERRORS = 100
LONGEST_NAME = 100
# Pages ask the same again and again: what that means is kept, of so many questions of an operation, none longer.
MOST_KEPT, LONGEST_KEPT = 200, 500


class Given:
    """What an operation was asked with, for each who asks it so: nothing in here may be changed."""

    def __init__(self, field: Any, values: Mapping[str, str | list[str]]) -> None:
        self._field = field
        self._values = values

    @cached_property
    def checked(self) -> tuple[Any, Sequence[Any]]:
        """As the shape that the operation declares, and what is wrong."""
        checked: tuple[Any, Sequence[Any]] = self._field.validate(self._values, loc=("query",))
        return checked


class Parameters:
    """Those of one operation: the fields of the shape that it declares for them, if it takes any."""

    def __init__(self, declared: Dependant) -> None:
        self._field: Any = next(iter(declared.query_params), None)
        shape: Any = self._field and self._field.field_info.annotation
        properties = shape.model_json_schema()["properties"] if shape else {}
        self._repeatable = {name: is_list(kind) for name, kind in properties.items()}
        self._kept = lru_cache(MOST_KEPT)(self._read)

    def read(self, query: bytes) -> Given:
        """Raises for a parameter that the operation does not know, or a single one given twice."""
        return self._kept(query) if len(query) <= LONGEST_KEPT else self._read(query)

    def _read(self, query: bytes) -> Given:
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
        values = {name: every if self._repeatable[name] else every[0] for name, every in given.items()}
        return Given(self._field, values)

    def _refusal(self, name: str, times: int) -> tuple[str, str] | None:
        if name not in self._repeatable:
            return "there is no such parameter", "extra_forbidden"
        if times > 1 and not self._repeatable[name]:
            return "given more than once", "repeated"
        return None


def is_list(kind: Mapping[str, Any]) -> bool:
    return kind.get("type") == "array" or any(one.get("type") == "array" for one in kind.get("anyOf", ()))
