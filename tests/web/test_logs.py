"""A11: one JSON object a line, and nobody's secrets in it. A real process, its real log."""

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.db.addresses import Addresses
from app.settings import Settings
from tests.people import Company
from tests.process import ROOT, Running, serving, tally

CANARY = "kanarienvogel"


@pytest.fixture
def served(addresses: Addresses, settings: Settings, tmp_path: Path) -> Iterator[Running]:
    assert settings.jwt_secret is not None
    with tally(tmp_path, "serve", **serving(addresses, settings.jwt_secret.get_secret_value())) as running:
        yield running


def sing(url: str, company: Company) -> tuple[str, str]:
    """The canary in every place a caller can write to; the key and the token that came of it."""
    owner = company.owner.headers
    with httpx.Client(base_url=url) as client:
        made = client.post("/api/v1/keys", headers=owner, json={"name": CANARY}).json()
        token = client.post("/api/v1/auth/token", json={"api_key": made["api_key"]}).json()["access_token"]
        client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        client.get("/api/v1/me", headers={"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "User-Agent": CANARY})
        client.get("/api/v1/users", headers=owner, params={"limit": CANARY, CANARY: CANARY, "cursor": CANARY})
        client.get(f"/{CANARY}", headers={"X-Request-ID": f"{CANARY} {CANARY}"})
        client.get("/api/v1/users", headers={**owner, "X-Request-ID": made["api_key"]})
        client.get(f"/api/v1/users/{CANARY}", headers=owner)
        client.request(CANARY.upper(), "/api/v1/users", headers=owner)
        client.post("/api/v1/auth/token", json={"api_key": f"tly_{CANARY}", CANARY: CANARY})
        client.post("/api/v1/auth/token", content=CANARY, headers={"Content-Type": CANARY})
        for email in (f"{CANARY}@example.com", f"{CANARY}@example.com", f"{CANARY}\0", f"\ua7cb{CANARY}@example.com"):
            client.post("/api/v1/users", headers=owner, json={"email": email, "name": CANARY})
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as raw:
        raw.sendall(f"GET /{CANARY} HTTP/9.9 {CANARY}\r\n{CANARY}\r\n\r\n".encode())
        raw.recv(1000)
    return made["api_key"], token


def test_no_log_line_holds_what_callers_send(served: Running, company: Company) -> None:
    key, token = sing(served.url, company)
    metrics = httpx.get(f"{served.url}/metrics").text
    served.process.terminate()
    served.wait()
    lines = served.lines()
    assert len(lines) > 12
    secrets = [CANARY, key, key.split("_", 2)[2], token, company.owner.token, company.owner.email, "Acme", "limit="]
    for secret in secrets:
        assert not [line for line in lines if secret.lower() in line.lower()]
        assert secret.lower() not in metrics.lower()
    assert str(company.id) not in metrics


def test_every_line_is_one_json_object_with_its_request_id(served: Running, company: Company) -> None:
    answer = httpx.get(f"{served.url}/api/v1/users", headers=company.viewer.headers)
    served.process.terminate()
    served.wait()
    lines = [json.loads(line) for line in served.lines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    (line,) = [line for line in lines if line.get("request_id") == answer.headers["x-request-id"]]
    assert line["route"] == "/api/v1/users"
    assert (line["method"], line["status"], line["user_id"]) == ("GET", 403, str(company.viewer.id))
    assert line["ms"] > 0


LOG_SOMETHING = f"""
import logging, structlog
from app.settings import Settings
from app.web.logs import configure
configure(Settings(_env_file=None))
structlog.get_logger("tally").info("hello", route="/x")
try:
    raise ValueError("{CANARY}")
except ValueError:
    logging.getLogger("library").exception("it failed")
"""


def test_lines_of_libraries_look_alike_and_hide_what_was_sent() -> None:
    ran = subprocess.run([sys.executable, "-c", LOG_SOMETHING], cwd=ROOT, capture_output=True, text=True, check=True)
    ours, theirs = (json.loads(line) for line in ran.stderr.splitlines())
    assert (ours["event"], ours["route"]) == ("hello", "/x")
    assert (theirs["event"], theirs["logger"], theirs["error"]) == ("it failed", "library", "ValueError")
    assert CANARY not in ran.stderr


def test_a_terminal_gets_columns() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", LOG_SOMETHING], cwd=ROOT, stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "hello" in shown
    assert '{"' not in shown
    assert CANARY not in shown


def test_metrics_count_by_template(served: Running, company: Company) -> None:
    for path in ("/api/v1/users/x", "/api/v1/users/y", "/nope", "/nope/2"):
        httpx.get(f"{served.url}{path}", headers=company.owner.headers)
    httpx.request("PROPFIND", f"{served.url}/nope")
    metrics = httpx.get(f"{served.url}/metrics").text
    assert 'tally_requests_total{method="GET",route="/api/v1/users/{user_id}",status="422"} 2.0' in metrics
    assert 'tally_requests_total{method="GET",route="unknown",status="404"} 2.0' in metrics
    assert 'tally_requests_total{method="other",route="unknown",status="404"} 1.0' in metrics
    assert 'tally_request_seconds_bucket{le="1.0",method="GET",route="unknown"}' in metrics
