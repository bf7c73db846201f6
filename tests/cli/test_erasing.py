"""tally user erase, tally account delete: whole, confirmed, and gone on with after kill -9."""

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.cli.terminal import Running, Terminal


def founded(beside: Terminal, port: int, sessions: int = 0) -> tuple[Any, Any, dict[str, str]]:
    """An account with an owner, and so many sessions of theirs."""
    account = beside.report("account", "create", "Acme")
    user = beside.report(
        "user", "add", f"o{random.random()}@acme.example", "--account", account["id"], "--role", "owner"
    )
    headers = {"Authorization": f"Bearer {beside.report('token', user['id'])['access_token']}"}
    for first in range(0, sessions, 500):
        rows = [message(n, part) for n in range(first, min(first + 500, sessions)) for part in range(6)]
        answer = httpx.post(
            f"http://127.0.0.1:{port}/api/v1/ingest/batches", json={"messages": rows}, headers=headers, timeout=60
        )
        assert answer.status_code == 200, answer.text
    return account, user, headers


def message(session: int, part: int) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(hours=session % 500, seconds=part)
    own = {"session_id": f"s{session}", "id": str(part), "created_at": at.isoformat()}
    return {**own, "role": "assistant", "agent_name": f"a{session % 7}", "model_id": "gpt-4o", "response_time_ms": 9}


def test_a_member_is_erased_and_stays_a_member(beside: Terminal, up: Running, port: int) -> None:
    account, user, headers = founded(beside, port, 3)
    gone = beside.report("user", "erase", user["id"])
    assert (gone["ai_sessions"], gone["messages"]) == (3, 18)
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/me", headers=headers).status_code == 200
    assert beside.report("rollups", "verify", "--account", account["id"])["exact"] is True


def test_killed_in_the_middle_every_sum_is_exact_and_the_next_run_ends_it(
    beside: Terminal, up: Running, port: int
) -> None:
    sessions = 2_400
    account, user, headers = founded(beside, port, sessions)
    with beside.running("user", "erase", user["id"]) as erasing:
        while erasing.process.poll() is None and left(port, headers) == sessions * 6:
            time.sleep(0.01)
        erasing.process.kill()
        erasing.process.wait()
    assert 0 < left(port, headers) < sessions * 6
    assert beside.report("rollups", "verify", "--account", account["id"])["exact"] is True
    beside.report("user", "erase", user["id"])
    assert left(port, headers) == 0
    assert beside.report("rollups", "verify", "--account", account["id"])["exact"] is True


def left(port: int, headers: dict[str, str]) -> int:
    report = httpx.get(f"http://127.0.0.1:{port}/api/v1/analytics/usage", headers=headers, timeout=30)
    return int(report.json()["total_messages"])


def test_an_account_is_deleted_only_by_its_name(beside: Terminal, up: Running, port: int) -> None:
    account, _, headers = founded(beside, port, 2)
    assert "display_code" in beside.tally("account", "delete", account["id"], "--confirm", "Globex").sentence
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/me", headers=headers).status_code == 200
    gone = beside.report("account", "delete", account["id"], "--confirm", account["display_code"])
    assert (gone["messages"], gone["accounts"]) == (12, 1)
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/me", headers=headers).status_code == 401
    assert account["id"] not in {row["id"] for row in beside.report("account", "list")}
    assert "no account" in beside.tally("account", "delete", account["id"], "--confirm", "Acme").sentence
