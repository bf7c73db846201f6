"""/me/stats/tokens: the caller's own numbers, the same as reports filtered by them show."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.auth.caller import CallerTx
from app.db.engine import Database
from app.me.tokens import OwnTokens, active, last_days
from tests.factories import Logbook
from tests.facts.delivery import caller
from tests.me.conftest import Own
from tests.people import Company, Founder, Person
from tests.problem import is_problem

ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
CLASSES = ("input", "output", "cache_read", "cache_creation")
NOTHING = dict.fromkeys((*CLASSES, "total"), 0)


async def test_a_member_without_anything_sees_zeros(own: Own, company: Company) -> None:
    for person in (company.viewer, company.owner):
        told = await own(person, "tokens")
        OwnTokens.model_validate(told)
        assert (told["by_model"], told["top_sessions"]) == ([], [])
        assert told["totals"] == {**NOTHING, "sessions": 0, "cost_usd": "0.000000", "unpriced_messages": 0}
        assert len(told["daily"]) == told["days"] == 30
        assert [{**line, "day": ""} for line in told["daily"]] == [{**NOTHING, "day": "", "sessions": 0}] * 30


async def test_days_are_local_days_up_to_today(own: Own, founder: Founder) -> None:
    for zone in ZONES:
        company = await founder.company(timezone=zone)
        today = datetime.now(ZoneInfo(zone)).date()
        for days in (1, 365):
            told = await own(company.viewer, "tokens", days=days)
            expected = [str(today - timedelta(days=n)) for n in reversed(range(days))]
            assert [line["day"] for line in told["daily"]] == expected
            assert (told["days"], told["timezone"]) == (days, zone)


@pytest.mark.parametrize("days", ["0", "366", "x", "1.5"])
async def test_other_numbers_of_days_are_422(client: httpx.AsyncClient, company: Company, days: str) -> None:
    answer = await client.get("/api/v1/me/stats/tokens", headers=company.viewer.headers, params={"days": days})
    is_problem(answer, 422)


def live(log: Logbook, people: list[Person], now: datetime, seed: int) -> None:
    """Sessions of an hour and of weeks, around midnights and a change of clocks, of several models."""
    chance = random.Random(seed)
    for _ in range(60):
        began = now - timedelta(days=chance.randrange(40), minutes=chance.randrange(1440))
        session = log.session(began, user_id=chance.choice(people).id)
        step = chance.choice((timedelta(minutes=5), timedelta(hours=7), timedelta(days=6)))
        for n in range(chance.randrange(5)):
            moment = began + n * step
            if moment < now:
                numbers = {f"{name}_tokens": chance.randrange(1000) for name in CLASSES}
                cost = chance.choice((None, chance.randrange(10_000)))
                model = chance.choice((None, "m", "n", "o"))
                log.message(session, moment, model_id=model, cost_micros=cost, **numbers)


@pytest.mark.parametrize("zone", ZONES)
async def test_the_numbers_are_those_of_reports_filtered_by_the_caller(
    client: httpx.AsyncClient, own: Own, founder: Founder, database: Database, zone: str
) -> None:
    company = await founder.company(timezone=zone)
    log = Logbook(database, company.id)
    people = [company.viewer, company.engineer]
    live(log, people, datetime.now(UTC), seed=ZONES.index(zone))
    await log.write()

    async def report(name: str, person: Person, first: str, last: str) -> Any:
        given = {"user_id": str(person.id), "start_date": first, "end_date": last}
        answer = await client.get(f"/api/v1/analytics/{name}", headers=company.engineer.headers, params=given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    for person in people:
        for days in (1, 7, 30, 365):
            told = await own(person, "tokens", days=days)
            OwnTokens.model_validate(told)
            first, last = told["daily"][0]["day"], told["daily"][-1]["day"]
            usage = await report("usage", person, first, last)
            assert [(line["day"], line["total"], line["sessions"]) for line in told["daily"]] == [
                (line["date"], line["tokens"], line["sessions"]) for line in usage["daily_usage"]
            ]
            for name in CLASSES:
                assert sum(line[name] for line in told["daily"]) == usage[f"{name}_tokens"]
        # All of it lies within the year.
        assert {f"{name}_tokens": told["totals"][name] for name in CLASSES} | {
            "total_tokens": told["totals"]["total"],
            "total_sessions": told["totals"]["sessions"],
            "cost_usd": told["totals"]["cost_usd"],
            "unpriced_messages": told["totals"]["unpriced_messages"],
        } == {
            name: usage[name]
            for name in (
                *(f"{c}_tokens" for c in CLASSES),
                "total_tokens",
                "total_sessions",
                "cost_usd",
                "unpriced_messages",
            )
        }
        models = (await report("models", person, first, last))["models"]
        by_model = [line for line in told["by_model"] if line["model"] != "unknown"]
        assert {(line["model"], line["total"], line["messages"], line["cost_usd"]) for line in by_model} == {
            (line["model_id"], line["total_tokens"], line["usage_count"], line["cost_usd"]) for line in models
        }
        assert sum(line["total"] for line in told["by_model"]) == told["totals"]["total"]
        listed = (await own(person, "sessions", limit=200))["rows"]
        largest = sorted((row["tokens_total"] for row in listed if row["tokens_total"]), reverse=True)[:10]
        assert [line["total"] for line in told["top_sessions"]] == largest
        known = {row["session_id"]: row for row in listed}
        for line in told["top_sessions"]:
            row = known[line["session_id"]]
            assert (line["cost_usd"], line["primary_model"]) == (row["cost_usd"], row["primary_model"])


async def test_tokens_are_split_by_message_not_by_session(own: Own, log: Logbook, company: Company) -> None:
    now = datetime.now(UTC)
    session = log.session(now, user_id=company.viewer.id)
    for model, tokens in (("big", 10), ("small", 1), ("small", 2), (None, 2), ("unknown", 2)):
        log.message(session, now, model_id=model, input_tokens=tokens)
    await log.write()
    told = await own(company.viewer, "tokens")
    assert [(line["model"], line["total"]) for line in told["by_model"]] == [
        ("big", 10),
        ("unknown", 4),
        ("small", 3),
    ]
    assert told["top_sessions"][0]["primary_model"] == "small"


async def test_a_session_that_surrounds_a_day_is_not_of_that_day(
    database: Database, log: Logbook, company: Company
) -> None:
    """Also where all days that are asked for lie between its first message and its last."""
    noon = datetime(2026, 5, 3, 12, tzinfo=UTC)
    session = log.session(noon, user_id=company.viewer.id)
    for days in (-3, 0, 3):
        log.message(session, noon + timedelta(days=days))
    await log.write()
    day = noon.date()
    for first, last, found in ((-1, -1, []), (1, 2, []), (0, 0, [0]), (-2, 2, [0]), (-9, 9, [-3, 0, 3])):
        async with database.transaction(company.id) as tx:
            own = CallerTx(tx.account, tx.connection, tx.driver, caller(company.viewer), "", "api", None)
            asked, starts = last_days("UTC", day + timedelta(days=last), last - first + 1)
            assert await active(own, asked[0], starts) == {day + timedelta(days=n): 1 for n in found}


async def test_what_others_used_is_not_the_caller_s(
    own: Own, log: Logbook, company: Company, other_company: Company
) -> None:
    now = datetime.now(UTC)
    for user in (company.engineer.id, None):
        session = log.session(now, user_id=user)
        log.message(session, now, input_tokens=5)
    await log.write()
    for person in (company.viewer, company.owner, other_company.engineer):
        assert (await own(person, "tokens"))["totals"]["total"] == 0
    assert (await own(company.engineer, "tokens"))["totals"]["total"] == 5
