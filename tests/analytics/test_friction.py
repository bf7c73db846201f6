"""GET /api/v1/analytics/friction: what logs count went wrong, per session and in all."""

from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from app.facts.identity import session_key
from tests.analytics.conftest import Read
from tests.people import Company, Person

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
PUSHES = "/api/v1/sync/pushes"


@pytest.fixture
async def told(client: AsyncClient, company: Company) -> None:
    """Three sessions in May, one of them without any friction, and one in April."""
    marks = (f"{n:016x}" for n in range(100))

    async def say(person: Person, day: str, session: str, *files: tuple[str, dict[str, int]]) -> None:
        rows = {"sessions": [{"id": session, "created_at": f"{day}T10:00:00Z", "workspace": "w"}]}
        await client.post("/api/v1/ingest/batches", json=rows, headers=person.headers)
        sent = [
            {
                "name": f"{session} {sha}",
                "sha256": sha * 64,
                "size": 1,
                "sessions": [{"session_id": session} | {name: list(islice(marks, n)) for name, n in counts.items()}],
            }
            for sha, counts in files
        ]
        (await client.post(PUSHES, json={"files": sent}, headers=person.headers)).raise_for_status()

    await say(company.viewer, "2026-05-03", "main", ("a", {"interruptions": 2, "skills": 1}), ("b", {"retries": 3}))
    await say(company.engineer, "2026-05-04", "other", ("c", {"api_errors": 4, "commands": 9}))
    await say(company.engineer, "2026-05-05", "smooth", ("d", {}))
    await say(company.engineer, "2026-04-05", "before", ("e", {"rejected_tools": 1}))


def counts(line: dict[str, Any]) -> dict[str, int]:
    return {name: n for name, n in line.items() if isinstance(n, int) and n}


async def test_sessions_come_most_friction_first_with_their_sum(told: None, read: Read, company: Company) -> None:
    report = await read("friction", **MAY)
    assert [line["external_id"] for line in report["sessions"]] == ["main", "other"]
    assert counts(report["sessions"][0]) == {"friction": 5, "interruptions": 2, "retries": 3, "skills": 1}
    assert report["sessions"][0]["session_id"] == str(session_key(company.id, "main"))
    assert UUID(report["sessions"][1]["user_id"]) == company.engineer.id
    assert counts(report["totals"]) == {
        "sessions": 2, "friction": 9, "interruptions": 2, "retries": 3, "skills": 1, "api_errors": 4, "commands": 9,
    }  # fmt: skip


async def test_a_window_where_nothing_went_wrong_is_zeros(told: None, read: Read) -> None:
    report = await read("friction", start_date="2026-03-01", end_date="2026-03-02")
    assert (report["sessions"], set(report["totals"].values())) == ([], {0})


async def test_only_a_members_sessions_when_asked(told: None, read: Read, company: Company) -> None:
    report = await read("friction", **MAY, user_id=str(company.viewer.id))
    assert [line["external_id"] for line in report["sessions"]] == ["main"]
    assert report["totals"]["friction"] == 5


async def resumed(client: AsyncClient, person: Person, session: str, **marks: list[str]) -> None:
    """Another log of theirs, in which this is told of this session."""
    rows = {"sessions": [{"id": session, "created_at": "2026-05-06T10:00:00Z"}]}
    (await client.post("/api/v1/ingest/batches", json=rows, headers=person.headers)).raise_for_status()
    told = {"name": f"log of {session}", "sha256": "f" * 64, "size": 1, "sessions": [{"session_id": session} | marks]}
    (await client.post(PUSHES, json={"files": [told]}, headers=person.headers)).raise_for_status()


@pytest.mark.parametrize(
    ("session", "errors"), [("other", {"other": 5}), ("z", {"other": 4, "z": 1}), ("a", {"other": 2, "a": 3})]
)
@pytest.mark.usefixtures("told")
async def test_what_two_logs_tell_counts_once_for_the_smaller_session(
    read: Read, client: AsyncClient, company: Company, session: str, errors: dict[str, int]
) -> None:
    """Of the four errors of `other` two are told again, and one that is new."""
    await resumed(client, company.engineer, session, api_errors=[f"{n:016x}" for n in (6, 7, 99)])
    report = await read("friction", **MAY)
    assert report["totals"]["api_errors"] == 5
    assert {line["external_id"]: line["api_errors"] for line in report["sessions"] if line["api_errors"]} == errors


async def test_nobody_takes_a_signal_from_anothers_session(
    told: None, read: Read, client: AsyncClient, company: Company
) -> None:
    await resumed(client, company.viewer, "a earlier", api_errors=[f"{n:016x}" for n in (6, 7)])
    report = await read("friction", **MAY)
    assert {line["external_id"]: line["api_errors"] for line in report["sessions"] if line["api_errors"]} == {
        "other": 4, "a earlier": 2,
    }  # fmt: skip


async def test_nothing_shows_to_another_account(told: None, read: Read, other_company: Company) -> None:
    report = await read("friction", other_company.engineer.headers, **MAY)
    assert (report["sessions"], report["totals"]["friction"]) == ([], 0)


async def test_whose_session_it_was_is_hidden_where_the_account_says_so(
    told: None, read: Read, client: AsyncClient, company: Company
) -> None:
    setting = {"member_detail": "own"}
    (await client.patch("/api/v1/account", json=setting, headers=company.admin.headers)).raise_for_status()
    report = await read("friction", **MAY)
    assert [line["external_id"] for line in report["sessions"]] == [None, "other"]
    assert (await read("friction", company.admin.headers, **MAY))["sessions"][0]["external_id"] == "main"
