"""The description: written down, complete about what can go wrong, and a page that needs nothing else."""

import base64
import hashlib
import re

import httpx
import pytest

from app.web.docs import STYLE
from tests.openapi_written import WRITTEN, as_text
from tests.operations import OPERATIONS, Operation

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def test_openapi_json_is_what_the_handlers_say() -> None:
    assert WRITTEN.read_text() == as_text(), "run `make openapi` and read the difference"


@every_operation
def test_every_problem_that_can_come_is_declared(operation: Operation) -> None:
    answers = operation.described["responses"]
    expected = {"422", "500", "503"}
    if not operation.is_public:
        expected |= {"401", "403", "429"}
    if "requestBody" in operation.described:
        expected |= {"400", "413", "415"}
    assert expected <= answers.keys()
    for status, answer in answers.items():
        if not status.startswith("2") and status != "304":
            assert answer["content"] == PROBLEM
    assert "Retry-After" in answers["503"]["headers"]


@every_operation
def test_every_operation_says_what_it_does(operation: Operation) -> None:
    assert operation.described["description"].rstrip().endswith(".")
    assert operation.described["tags"]


def test_operation_ids_are_names_for_a_generated_client() -> None:
    ids = [operation.described["operationId"] for operation in OPERATIONS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)+", name) for name in ids)


async def test_the_page_shows_every_operation(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    for operation in OPERATIONS:
        assert f'id="{operation.described["operationId"]}"' in page
    assert page.count("<article") > len(OPERATIONS)
    missing = set(re.findall(r'href="#([^"]+)"', page)) - set(re.findall(r'id="([^"]+)"', page))
    assert not missing, "every link within the page leads somewhere"


async def test_the_page_needs_no_script_and_no_other_server(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert not re.search(r"<script|<link|<img|<iframe|https?://| on\w+=|style=", answer.text)
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"<style>{STYLE}</style>" in answer.text
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'"
    )


async def test_the_page_says_who_may_call(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    (users,) = re.findall(r'<article id="read_users".*?</article>', page, re.DOTALL)
    assert "For admin, owner" in users
    (token,) = re.findall(r'<article id="exchange_key".*?</article>', page, re.DOTALL)
    assert "Needs no credentials" in token
