"""What the description shows as an answer is one: of the declared shape, whole, and adding up."""

import json
from typing import Any

import jsonschema_rs
import pytest

from app.analytics.examples import EXAMPLES, USAGE
from tests.openapi_written import described_now
from tests.operations import OPERATIONS, Operation

REPORTS = [
    operation
    for operation in OPERATIONS
    if operation.path.startswith("/api/v1/analytics/")
    and "application/json" in operation.described["responses"]["200"]["content"]
]


def shown(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = operation.described["responses"]["200"]["content"]["application/json"]
    return found


@pytest.mark.parametrize("operation", REPORTS, ids=str)
def test_every_report_shows_a_whole_answer_of_its_shape(operation: Operation) -> None:
    """Of the shape that real answers are held against: no field more, none less."""
    closed = json.loads(json.dumps(described_now()["components"]["schemas"]))
    for shape in closed.values():
        shape.setdefault("additionalProperties", False)
    declared = {**shown(operation)["schema"], "components": {"schemas": closed}}
    jsonschema_rs.Draft202012Validator(declared).validate(shown(operation)["example"])


def test_no_example_is_of_a_report_that_is_gone() -> None:
    assert EXAMPLES.keys() == {operation.described["operationId"] for operation in REPORTS}


def test_the_days_shown_add_up_to_the_total_shown() -> None:
    days = USAGE["daily_usage"]
    names = {"messages": "total_messages", "tokens": "total_tokens", "error_count": "error_count"}
    classes = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    for name, total in {**names, **dict(zip(classes, classes, strict=True))}.items():
        assert sum(day[name] for day in days) == USAGE[total]
    assert sum(USAGE[name] for name in classes) == USAGE["total_tokens"]
    assert round(sum(float(day["cost_usd"]) for day in days), 6) == float(USAGE["cost_usd"])
