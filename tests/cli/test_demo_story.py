"""The demo's story: the same each time it is told, and like a real company's."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import chain, pairwise
from statistics import mean, median
from typing import Any

import pytest

from app.cli.demo.cast import AGENTS, LOGGED, MODELS, TOOLS
from app.cli.demo.log import log_of
from app.cli.demo.people import PEOPLE
from app.cli.demo.story import Rows, Story, told
from app.facts.calendar import Calendar
from app.facts.prices import PriceBook, Tokens
from app.facts.rows import ROWS
from app.transcripts.formats.signals import COLUMNS
from app.transcripts.sync import PushedFile

ANCHOR = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BERLIN = Calendar("Europe/Berlin")
DAYS = [ANCHOR - timedelta(days=n) for n in range(90)]


def story(seed: int = 1) -> Story:
    return Story(seed, ANCHOR, BERLIN)


def day_of(day: date, until: datetime, seed: int = 1) -> Rows:
    return told(story(seed).day(day), until)


def logs_of(days: Iterable[date], until: datetime) -> dict[str, dict[str, Any]]:
    """By name."""
    logs = (log_of(session, until) for day in days for session in story().day(day))
    return {log["name"]: log for log in logs if log}


def counts(logs: Iterable[dict[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for log in logs:
        found.update({name: len(marks) for name, marks in log["sessions"][0].items() if name in COLUMNS.values()})
    return found


@pytest.fixture(scope="module")
def quarter() -> dict[str, list[dict[str, Any]]]:
    days = [day_of(day, NOON) for day in DAYS]
    return {kind: list(chain.from_iterable(day[kind] for day in days)) for kind in ROWS}


def at(row: dict[str, Any]) -> datetime:
    found: datetime = row["created_at"]
    return found.astimezone(BERLIN.zone)


def test_a_day_is_told_the_same_each_time_and_differently_for_another_seed() -> None:
    day = ANCHOR - timedelta(days=3)
    assert day_of(day, NOON) == day_of(day, NOON)
    assert day_of(day, NOON) != day_of(day, NOON, seed=2)


def test_later_only_what_was_still_to_come_is_added() -> None:
    early, late = (day_of(ANCHOR - timedelta(days=1), NOON - timedelta(hours=hours)) for hours in (22, 0))
    for kind in ("messages", "tool_calls", "steps"):
        known = {(row["session_id"], row["id"]): row for row in late[kind]}
        assert early[kind]
        assert len(early[kind]) < len(late[kind])
        assert all(known[row["session_id"], row["id"]] == row for row in early[kind])


@pytest.mark.parametrize("minutes", range(-240, 240, 20))
def test_nothing_is_told_before_it_happened(minutes: int) -> None:
    until = NOON + timedelta(days=-1, minutes=minutes)
    found = day_of(BERLIN.day(until), until)
    times = [value for rows in found.values() for row in rows for value in row.values() if isinstance(value, datetime)]
    assert max(times, default=until) <= until


def test_rows_have_the_shapes_of_the_api_and_ids_of_their_own(quarter: dict[str, list[dict[str, Any]]]) -> None:
    for kind, shape in ROWS.items():
        assert quarter[kind]
        for row in quarter[kind]:
            shape.model_validate(row)
        assert len({(row.get("session_id"), row["id"]) for row in quarter[kind]}) == len(quarter[kind])


def test_totals_are_those_of_a_company_of_twelve(quarter: dict[str, list[dict[str, Any]]]) -> None:
    assert 25_000 <= len(quarter["messages"]) <= 40_000
    assert 150 <= len(quarter["handoffs"]) <= 400
    answers = [row for row in quarter["messages"] if row["role"] == "assistant"]
    assert {row["agent_name"] for row in answers} == {agent.name for agent in AGENTS}
    assert {row["model_id"] for row in answers} == set(MODELS)
    assert {row["name"] for row in quarter["tool_calls"]} == set(TOOLS)
    assert {row["user_email"] for row in quarter["sessions"]} == {person.email for person in PEOPLE}
    assert (len(AGENTS), len(MODELS), len(PEOPLE)) == (6, 5, 12)


def test_weekends_and_nights_are_quiet_and_use_grows(quarter: dict[str, list[dict[str, Any]]]) -> None:
    by_day = Counter(at(row).date() for row in quarter["messages"])
    working = [by_day[day] for day in DAYS[1:] if day.weekday() < 5]
    assert mean(working) > 4 * mean(by_day[day] for day in DAYS if day.weekday() > 4)
    assert mean(working[:20]) > 1.3 * mean(working[-20:])
    by_hour = Counter(at(row).hour for row in quarter["messages"])
    assert by_hour[10] > 20 * by_hour[3]


def test_most_tokens_come_from_the_cache(quarter: dict[str, list[dict[str, Any]]]) -> None:
    classes = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    sums = {name: sum(row.get(name, 0) for row in quarter["messages"]) for name in classes}
    assert sums["cache_read_tokens"] > 0.8 * sum(sums.values())


def test_one_day_went_wrong(quarter: dict[str, list[dict[str, Any]]]) -> None:
    answers = [row for row in quarter["messages"] if row["role"] == "assistant"]
    of_day = Counter(at(row).date() for row in answers)
    wrong = Counter(at(row).date() for row in answers if row.get("status") == "failed")
    rates = sorted((wrong[day] / of_day[day] for day in of_day if of_day[day] > 100), reverse=True)
    assert rates[0] > 0.10
    assert rates[1] < 0.05
    assert all(("error_kind" in row) == (row.get("status") == "failed") for row in answers)


def test_slow_days_are_slow(quarter: dict[str, list[dict[str, Any]]]) -> None:
    times: dict[bool, list[int]] = {True: [], False: []}
    for row in quarter["messages"]:
        if row.get("model_id") == "claude-sonnet-4-5":
            times[story().conditions(at(row).date()).slowness > 1].append(row["response_time_ms"])
    assert 2.0 < median(times[True]) / median(times[False]) < 2.8
    assert 2_800 < median(times[False]) < 3_600


def test_people_take_over_sooner_what_is_urgent_and_sometimes_never(quarter: dict[str, list[dict[str, Any]]]) -> None:
    waits: dict[str, list[float]] = {}
    for row in quarter["handoffs"]:
        if "claimed_at" in row:
            waits.setdefault(row["priority"], []).append((row["claimed_at"] - row["created_at"]).total_seconds())
    assert median(waits["high"]) < median(waits["normal"]) < median(waits["low"])
    unclaimed = sum("claimed_at" not in row for row in quarter["handoffs"])
    assert 0.03 < unclaimed / len(quarter["handoffs"]) < 0.2
    acted = {row["session_id"] for row in quarter["steps"] if row["step_type"] == "human_action"}
    assert 0.7 < len(acted) / len(quarter["handoffs"]) < 0.95


def test_coding_agents_leave_logs_of_their_sessions_in_which_now_and_then_something_went_wrong() -> None:
    logs = logs_of(DAYS, NOON)
    played = {session.id for day in DAYS for session in story().day(day) if session.agent.name in LOGGED}
    assert {PushedFile.model_validate(log).sessions[0].session_id for log in logs.values()} <= played
    assert 800 < len(logs) < 1_500
    found = counts(logs.values())
    assert set(found) == set(COLUMNS.values())
    wrong = sum(found[name] for name in ("interruptions", "rejected_tools", "api_errors", "retries"))
    assert 0.3 < wrong / len(logs) < 1.2
    marks = [mark for log in logs.values() for name in found for mark in log["sessions"][0].get(name, ())]
    assert len(set(marks)) == len(marks)


def test_the_api_failed_most_on_the_day_that_went_wrong() -> None:
    errors = sorted((counts(logs_of([day], NOON).values())["api_errors"], day) for day in DAYS)
    assert story().conditions(errors[-1][1]).incident
    assert errors[-1][0] > 3 * errors[-2][0]


def test_a_log_that_is_told_of_again_says_the_same_and_what_came_since() -> None:
    day, grown = ANCHOR - timedelta(days=1), 0
    times = [NOON + timedelta(days=-1, minutes=minutes) for minutes in range(-120, 120, 20)]
    for early, late in pairwise(logs_of([day], until) for until in times):
        for name, log in early.items():
            before, after = log["sessions"][0], late[name]["sessions"][0]
            assert all(after[signal][: len(marks)] == marks for signal, marks in before.items())
            assert (log["sha256"] == late[name]["sha256"]) == (log["size"] == late[name]["size"])
            grown += before != after
    assert grown


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_model_has_a_price(model: Any) -> None:
    cost = PriceBook().micros(model.provider, model.name, NOON, Tokens(1_000, 1_000, 10_000, 0))
    assert cost is not None
    assert cost > 0
