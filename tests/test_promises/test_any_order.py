"""R6: order, splitting and repetition of what is sent change no answer."""

import random
from typing import Any

import httpx
import pytest

from tests.facts.delivery import batch
from tests.facts.reports import ZONES, some
from tests.people import Company, Founder

WINDOW = {"start_date": "2025-10-30", "end_date": "2026-05-05"}
ASKED: dict[str, dict[str, Any]] = {
    "usage": WINDOW,
    "agents": WINDOW,
    "models": WINDOW,
    "tools": WINDOW,
    "users": WINDOW,
    "sessions": WINDOW,
    "summary": {},
    "flowpilot/escalations": {"period": "90d"},
}
# What differs between two accounts whatever they are sent: keys, the moment of the last change, and that of asking.
OWN = {"user_id", "session_id", "id", "data_as_of", "received_at", "next_cursor", "start_date", "end_date"}


def without_own(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_own(part) for name, part in value.items() if name not in OWN}
    return [without_own(part) for part in value] if isinstance(value, list) else value


async def answers(client: httpx.AsyncClient, company: Company) -> dict[str, Any]:
    found = {}
    for report, asked in ASKED.items():
        answer = await client.get(f"/api/v1/analytics/{report}", params=asked, headers=company.engineer.headers)
        assert answer.status_code == 200, f"{report}: {answer.text}"
        found[report] = without_own(answer.json())
    # Of sessions that began at once, keys decide the order.
    found["sessions"]["rows"].sort(key=lambda row: row["external_id"])
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_no_report_tells_in_which_order_or_how_often_things_were_told(
    client: httpx.AsyncClient, founder: Founder, seed: int
) -> None:
    chance, seen = random.Random(seed), []
    for parts in (1, 7, 20):
        company = await founder.company(timezone=ZONES[seed])
        timed = [(kind, row) for kind, row in some(company, 120, seed) if kind != "tool_calls" or "started_at" in row]
        told = timed if parts == 1 else [*chance.sample(timed, len(timed)), *chance.sample(timed, len(timed) // 2)]
        for part in range(parts):
            sent = batch(told[part::parts])
            answer = await client.post("/api/v1/ingest/batches", json=sent, headers=company.admin.headers)
            assert answer.status_code == 200, answer.text
        seen.append(await answers(client, company))
    assert seen[0]["usage"]["total_messages"] >= 10
    assert seen[0] == seen[1] == seen[2]
