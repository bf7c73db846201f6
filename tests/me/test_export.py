"""/me/export: everything held about the caller and nothing about anybody else."""

import json
import tracemalloc
from collections import Counter
from typing import Any

import httpx
import pytest

from app.db.engine import Database
from app.me import export
from app.models import Model
from tests.audit_rows import audited
from tests.everything import World, sent
from tests.factories import Logbook, at
from tests.people import Company, Person

ADDRESS = "/api/v1/me/export"
# Held of an account, not of a person.
OF_NOBODY = {
    "accounts", "account_directory", "account_versions", "usage_days", "idempotency_keys", "job_leases", "job_runs",
    "journals", "subject_weeks", "account_hours",
}  # fmt: skip


async def lines(client: httpx.AsyncClient, person: Person) -> list[dict[str, Any]]:
    answer = await client.get(ADDRESS, headers=person.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_every_table_is_exported_or_is_of_nobody() -> None:
    """A new table fails here until somebody says which it is."""
    assert {part.table for part in export.PARTS} | OF_NOBODY == set(Model.metadata.tables)
    assert not {part.table for part in export.PARTS} & OF_NOBODY


@pytest.mark.parametrize("role", ["viewer", "engineer", "admin", "owner"])
async def test_a_member_of_any_role_is_given_what_is_theirs_of_every_kind(
    client: httpx.AsyncClient, world: World, company: Company, role: Any
) -> None:
    people = [company.viewer, company.engineer, company.admin, company.owner]
    await world.fill(*people)
    person = company.of(role)
    text = (await client.get(ADDRESS, headers=person.headers)).text
    kinds = Counter(json.loads(line)["kind"] for line in text.splitlines())
    assert kinds.keys() == {part.kind for part in export.PARTS}
    assert {kinds[kind] for kind in ("profile", "key", "session", "message", "tool_call", "step", "handoff")} == {1}
    for other in people:
        assert (str(other.id) in text) == (other.email in text) == (other is person)


async def test_no_secret_and_no_place_of_a_file_is_in_it(
    client: httpx.AsyncClient, world: World, company: Company
) -> None:
    await world.fill(company.viewer)
    made = await sent(client, company.viewer, "/api/v1/keys", {"name": "second"})
    found = await lines(client, company.viewer)
    text = json.dumps(found)
    assert made["api_key"] not in text
    (file,) = await world.files(company.id)
    assert file not in text
    assert not {"account_id", "storage_key"} & {name for line in found for name in line}
    keys = [line for line in found if line["kind"] == "key"]
    assert len(keys) == 2
    assert all("sha256" not in key and key["hint"] for key in keys)


async def test_lines_are_written_as_answers_are(client: httpx.AsyncClient, log: Logbook, company: Company) -> None:
    session = log.session(at("2026-05-03T12:00"), user_id=company.viewer.id)
    log.message(session, at("2026-05-03T12:00"), model_id="m", cost_micros=1_500_000)
    log.message(session, at("2026-05-03T12:01"), cost_micros=None)
    log.handoff(log.session(at("2026-05-03"), user_id=company.admin.id), at("2026-05-03"), claimed_by=company.viewer.id)
    await log.write()
    found = await lines(client, company.viewer)
    (of_session,) = [line for line in found if line["kind"] == "session"]
    assert (of_session["id"], of_session["models"]) == (str(session), {"m": 1})
    assert of_session["created_at"] == "2026-05-03T12:00:00Z"
    assert sorted((m["cost_usd"] for m in found if m["kind"] == "message"), key=str) == ["1.500000", None]
    (handoff,) = [line for line in found if line["kind"] == "handoff"]
    assert handoff["claimed_by"] == str(company.viewer.id)


@pytest.fixture
def log(database: Database, company: Company) -> Logbook:
    return Logbook(database, company.id)


@pytest.mark.parametrize(("detail", "role", "shown"), [("own", "viewer", 1), ("own", "admin", 3), ("all", "viewer", 3)])
async def test_where_members_are_shown_to_admins_alone_handoffs_name_nobody_else(
    client: httpx.AsyncClient, log: Logbook, company: Company, *, detail: str, role: Any, shown: int
) -> None:
    setting = {"member_detail": detail}
    assert (await client.patch("/api/v1/account", json=setting, headers=company.owner.headers)).status_code == 200
    person, other = company.of(role), company.engineer
    when = at("2026-05-03")
    own, others = (log.session(when, user_id=each.id) for each in (person, other))
    log.handoff(own, when, handed_off_by=other.id, claimed_by=other.id)
    log.handoff(others, when, handed_off_by=person.id, claimed_by=None)
    await log.write()
    handoffs = [line for line in await lines(client, person) if line["kind"] == "handoff"]
    named = [line[name] for line in handoffs for name in ("handed_off_by", "claimed_by") if line[name]]
    assert len(handoffs) == 2
    assert len(named) == shown
    assert str(person.id) in named


async def test_that_it_was_asked_for_is_on_record(
    client: httpx.AsyncClient, database: Database, company: Company
) -> None:
    await lines(client, company.viewer)
    assert [row.user_id for row in await audited(database, company.id) if row.action == "me.export"] == [
        company.viewer.id
    ]


async def test_memory_does_not_grow_with_the_rows(log: Logbook, company: Company, database: Database) -> None:
    """Five times the rows, the same peak."""

    async def peak() -> int:
        tracemalloc.start()
        async for _ in export.written(database, company.id, company.viewer.id):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    async def write(rows: int) -> None:
        session = log.session(at("2026-05-03"), user_id=company.viewer.id)
        for _ in range(rows):
            log.message(session, at("2026-05-03"), agent_name="a" * 200)
        await log.write()

    await write(4_000)
    await peak()
    few = await peak()
    await write(16_000)
    assert await peak() < 1.3 * few
