"""GET / and what lies beside the API: the built dashboard, where it is built."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.db.addresses import Addresses
from tests.problem import is_problem
from tests.serving import serving

PAGE = "<!doctype html><title>Tally</title>"
SCRIPT = "console.log('tally')"
VISIT = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.js").write_text("outside")
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text(PAGE)
    (dist / "assets" / "index-1a2b.js").write_text(SCRIPT)
    (dist / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (dist / ".env.js").write_text("hidden")
    return dist


@pytest.fixture
async def browser(addresses: Addresses, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(addresses, TALLY_DASHBOARD_DIR=str(folder)) as api:
        yield api.client


async def test_the_page_is_at_the_root_and_lets_in_no_inline_script(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_page_that_did_not_change_is_not_sent_again(browser: httpx.AsyncClient, folder: Path) -> None:
    tag = (await browser.get("/")).headers["etag"]
    assert (await browser.get("/", headers={"If-None-Match": tag})).status_code == 304
    (folder / "index.html").write_text(PAGE + "new")
    assert (await browser.get("/", headers={"If-None-Match": tag})).text == PAGE + "new"


async def test_a_script_is_kept_for_ever_and_comes_packed(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip"})
    assert answer.text == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    plain = await browser.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, "content-encoding" in plain.headers) == (SCRIPT, False)


async def test_what_a_browser_opens_is_a_place_within_the_page(browser: httpx.AsyncClient) -> None:
    for path in ("/agents", "/sessions/42", "/nope"):
        assert (await browser.get(path, headers=VISIT)).text == PAGE
        is_problem(await browser.get(path), 404)


async def test_the_api_stays_the_api_for_browsers_too(browser: httpx.AsyncClient) -> None:
    for path in ("/api", "/api/v1/nope", "/otlp/nope", "/health/nope", "/docs/nope", "/assets/gone.js"):
        is_problem(await browser.get(path, headers=VISIT), 404)
    is_problem(await browser.post("/agents", headers=VISIT), 404)
    is_problem(await browser.post("/api/v1/me"), 405)
    assert "default-src 'none'" in (await browser.get("/api/v1/me")).headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/../secret.js", "/%2e%2e/secret.js", "/assets/../../secret.js", "/assets/..%2f..%2fsecret.js", "/.env.js"]
)
async def test_nothing_leads_out_of_the_folder(browser: httpx.AsyncClient, path: str) -> None:
    is_problem(await browser.get(path), 404)
    assert "outside" not in (await browser.get(path, headers=VISIT)).text


async def test_head_answers_like_get(browser: httpx.AsyncClient) -> None:
    answer = await browser.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_where_it_is_not_built_the_root_says_how(client: httpx.AsyncClient) -> None:
    assert "make frontend" in is_problem(await client.get("/", headers=VISIT), 404)["detail"]
    is_problem(await client.get("/agents", headers=VISIT), 404)
