"""What engineers see of others one by one, as the account chose; totals never change."""

from typing import Any

import httpx
import pytest

from tests.analytics.conftest import Read
from tests.factories import Logbook, at
from tests.people import Company, Person
from tests.problem import is_problem

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
NOON = at("2026-05-03T12:00")


async def choose(client: httpx.AsyncClient, company: Company, detail: str) -> None:
    answer = await client.patch("/api/v1/account", json={"member_detail": detail}, headers=company.admin.headers)
    assert (answer.status_code, answer.json()["member_detail"]) == (200, detail), answer.text


@pytest.fixture
async def busy(log: Logbook, company: Company) -> Company:
    """All four work with `common`; only the viewer with `rare`, the viewer and the admin with `seldom`."""
    for person in (company.viewer, company.engineer, company.admin, company.owner):
        session = log.session(NOON, user_id=person.id, workspace="w", workspace_at=NOON)
        log.message(session, NOON, agent_name="common", model_id="m", input_tokens=3, cost_micros=5)
        if person in (company.viewer, company.admin):
            log.message(session, NOON, agent_name="seldom", model_id="n", input_tokens=2, cost_micros=None)
        if person is company.viewer:
            log.message(session, NOON, agent_name="rare", model_id="o", input_tokens=1, cost_micros=1)
    await log.write()
    return company


def lines(report: Any) -> dict[str | None, int]:
    return {line["user_id"] or line["name"]: line["messages"] for line in report["users"]}


async def test_without_a_filter_every_member_has_a_line(read: Read, busy: Company) -> None:
    found = lines(await read("users", **MAY))
    everybody = (busy.viewer, busy.engineer, busy.admin, busy.owner)
    assert found.keys() == {str(person.id) for person in everybody}


async def test_a_filter_that_leaves_three_others_names_them(read: Read, busy: Company) -> None:
    assert len(lines(await read("users", **MAY, agent="common"))) == 4


@pytest.mark.parametrize(
    ("given", "sums"),
    [
        ({"agent": "rare"}, (1, 1, "0.000001")),
        ({"agent": "seldom"}, (2, 4, None)),
        ({"model": "n"}, (2, 4, None)),
        ({"agent": ["rare", "seldom"]}, (3, 5, "0.000001")),
    ],
)
async def test_a_filter_that_leaves_one_or_two_names_neither_them_nor_who_is_not_among_them(
    read: Read, busy: Company, given: dict[str, Any], sums: tuple[int, int, str | None]
) -> None:
    report = await read("users", **MAY, **given)
    own, other = sorted(report["users"], key=lambda line: line["name"])
    assert (own["user_id"], own["messages"]) == (str(busy.engineer.id), 0)
    assert (other["user_id"], other["name"], other["last_active_at"]) == (None, "other", None)
    assert (other["messages"], other["tokens"], other["cost_usd"]) == sums
    usage = await read("usage", **MAY, **given)
    for noun in ("messages", "sessions", "tokens"):
        assert sum(line[noun] for line in report["users"]) == report[f"total_{noun}"] == usage[f"total_{noun}"]


async def test_two_members_asked_for_by_name_share_a_line(read: Read, busy: Company) -> None:
    asked = [str(busy.viewer.id), str(busy.owner.id), str(busy.engineer.id)]
    assert lines(await read("users", **MAY, user_id=asked)) == {str(busy.engineer.id): 1, "other": 4}


async def test_a_filter_that_leaves_nobody_else_hides_nobody(read: Read, busy: Company) -> None:
    assert len(lines(await read("users", **MAY, agent="never seen"))) == 4


async def test_what_belongs_to_no_member_keeps_its_own_line(read: Read, log: Logbook, busy: Company) -> None:
    log.messages(NOON, agent_name="rare")
    await log.write()
    assert lines(await read("users", **MAY, agent="rare")) == {str(busy.engineer.id): 0, "other": 1, "unknown": 1}


@pytest.mark.parametrize("role", ["admin", "owner"])
async def test_admins_see_every_line_whatever_is_chosen(
    read: Read, client: httpx.AsyncClient, busy: Company, role: Any
) -> None:
    for detail in ("own", "groups"):
        await choose(client, busy, detail)
        assert len(lines(await read("users", busy.of(role).headers, **MAY, agent="rare"))) == 4


async def test_an_account_may_show_all_lines_to_engineers(read: Read, client: httpx.AsyncClient, busy: Company) -> None:
    await choose(client, busy, "all")
    assert lines(await read("users", **MAY, agent="rare"))[str(busy.viewer.id)] == 1


async def test_an_account_may_show_each_only_their_own(read: Read, client: httpx.AsyncClient, busy: Company) -> None:
    await choose(client, busy, "own")
    report = await read("users", **MAY)
    assert lines(report) == {str(busy.engineer.id): 1, "other": 6}
    assert report["total_messages"] == (await read("usage", **MAY))["total_messages"]
    assert lines(await read("users", **MAY, user_id=str(busy.engineer.id))) == {str(busy.engineer.id): 1}


@pytest.mark.parametrize("report", ["usage", "agents", "models", "tools", "users", "sessions"])
async def test_there_no_report_of_one_other_member_is_given(
    client: httpx.AsyncClient, busy: Company, report: str
) -> None:
    async def ask(person: Person, *members: Person) -> httpx.Response:
        given = {**MAY, "user_id": [str(member.id) for member in members]}
        return await client.get(f"/api/v1/analytics/{report}", params=given, headers=person.headers)

    assert (await ask(busy.engineer, busy.viewer)).status_code == 200
    await choose(client, busy, "own")
    for others in ([busy.viewer], [busy.engineer, busy.viewer], [busy.viewer, busy.admin, busy.owner]):
        assert "admins alone" in is_problem(await ask(busy.engineer, *others), 403)["detail"]
    assert (await ask(busy.engineer, busy.engineer)).status_code == 200
    assert (await ask(busy.admin, busy.viewer)).status_code == 200


async def test_there_sessions_do_not_lead_to_their_members(
    read: Read, client: httpx.AsyncClient, busy: Company
) -> None:
    assert len({row["user_id"] for row in (await read("sessions", **MAY))["rows"]}) == 4
    await choose(client, busy, "own")
    rows = (await read("sessions", **MAY))["rows"]
    assert len(rows) == 4
    for row in rows:
        told = row["user_id"], row["external_id"], row["workspace"]
        assert told == (None, None, None) or (told[0] == str(busy.engineer.id) and None not in told)
    assert sum(row["user_id"] is not None for row in rows) == 1
    as_admin = (await read("sessions", busy.admin.headers, **MAY))["rows"]
    assert len({row["user_id"] for row in as_admin}) == 4


async def test_a_word_that_is_no_choice_is_refused(client: httpx.AsyncClient, company: Company) -> None:
    answer = await client.patch("/api/v1/account", json={"member_detail": "some"}, headers=company.admin.headers)
    is_problem(answer, 422)


async def test_what_one_is_shown_is_not_what_another_is_known_to_have(client: httpx.AsyncClient, busy: Company) -> None:
    """An admin's ETag does not spare an engineer's answer its fold."""
    given = {**MAY, "agent": "rare"}
    as_admin = await client.get("/api/v1/analytics/users", params=given, headers=busy.admin.headers)
    known = busy.engineer.headers | {"If-None-Match": as_admin.headers["etag"]}
    assert (await client.get("/api/v1/analytics/users", params=given, headers=known)).status_code == 200
