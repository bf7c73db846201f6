"""/agents: each clause of the contract."""

from tests.analytics.conftest import Read
from tests.factories import Logbook, at
from tests.people import Company

MAY = {"start_date": "2026-05-01", "end_date": "2026-05-31"}
NOON = at("2026-05-03T12:00")


async def test_only_assistant_messages_are_an_agent_s(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    for role in ("user", "assistant", "system", "tool"):
        log.message(session, NOON, role=role, agent_name="planner", output_tokens=10)
    await log.write()
    report = await read("agents", **MAY)
    assert report["total_calls"] == 1
    (agent,) = report["agents"]
    assert (agent["name"], agent["usage_count"], agent["total_tokens"]) == ("planner", 1, 10)


async def test_no_name_and_the_name_unknown_are_one_line(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    log.message(session, NOON, given_response_ms=100)
    log.message(session, NOON, agent_name="unknown", given_response_ms=300)
    await log.write()
    (agent,) = (await read("agents", **MAY))["agents"]
    assert (agent["name"], agent["usage_count"], agent["avg_response_time_ms"]) == ("unknown", 2, 200.0)


async def test_the_error_rate_is_a_percentage_of_what_is_counted(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    for wrong in (True, False, False):
        log.message(session, NOON, is_error=wrong)
    log.message(session, NOON, role="user", is_error=True)  # nobody's answer
    await log.write()
    (agent,) = (await read("agents", **MAY))["agents"]
    assert (agent["error_count"], agent["error_rate"]) == (1, 33.33)


async def test_the_most_used_come_first_then_by_name(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    for name, times in (("b", 1), ("c", 3), ("a", 1)):
        for _ in range(times):
            log.message(session, NOON, agent_name=name)
    await log.write()
    assert [agent["name"] for agent in (await read("agents", **MAY))["agents"]] == ["c", "a", "b"]


async def test_an_agent_that_was_never_timed_has_no_times(read: Read, log: Logbook) -> None:
    log.messages(NOON, agent_name="planner")
    await log.write()
    (agent,) = (await read("agents", **MAY))["agents"]
    assert {agent[f"{kind}_response_time_ms"] for kind in ("avg", "p50", "p95", "p99")} == {None}


async def test_cost_is_by_agent_and_null_where_unknown(read: Read, log: Logbook) -> None:
    session = log.session(NOON)
    log.message(session, NOON, agent_name="a", cost_micros=1_500_000, input_tokens=1)
    log.message(session, NOON, agent_name="b", cost_micros=None, input_tokens=1)
    await log.write()
    costs = {agent["name"]: agent["cost_usd"] for agent in (await read("agents", **MAY))["agents"]}
    assert costs == {"a": "1.500000", "b": None}


async def test_filters_hold_for_counts_and_for_times(read: Read, log: Logbook, company: Company) -> None:
    mine, theirs = log.session(NOON, user_id=company.viewer.id), log.session(NOON)
    log.message(mine, NOON, agent_name="a", model_id="m", given_response_ms=10)
    log.message(mine, NOON, agent_name="a", model_id="n", given_response_ms=1000)
    log.message(theirs, NOON, agent_name="b", model_id="m", given_response_ms=1_000_000)
    await log.write()
    for given, names, p99 in (
        ({"agent": "a"}, ["a"], 1000),
        ({"model": "m"}, ["a", "b"], 10),
        ({"user_id": str(company.viewer.id)}, ["a"], 1000),
        ({"agent": ["a", "b"], "model": "n"}, ["a"], 1000),
    ):
        report = await read("agents", **MAY, **given)
        assert [agent["name"] for agent in report["agents"]] == names
        assert abs(report["agents"][0]["p99_response_time_ms"] - p99) <= p99 / 100
        assert report["total_calls"] == sum(agent["usage_count"] for agent in report["agents"])


async def test_compare_adds_the_total_before(read: Read, log: Logbook) -> None:
    log.messages(at("2026-05-01"), at("2026-05-02"), at("2026-05-03"))
    await log.write()
    report = await read("agents", start_date="2026-05-03", end_date="2026-05-04", compare="previous")
    assert (report["total_calls"], report["previous"]["total_calls"]) == (1, 2)
