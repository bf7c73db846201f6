"""Rollup path = fact path = a plain recomputation, and parts add up to the whole: for any facts, window and filters."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.analytics.counts import count
from app.analytics.cut import by_days, by_window
from app.analytics.session_counts import active_and_created, created_by_member, created_sessions, updated_sessions
from app.analytics.sources import UNKNOWN, Filters, Key
from app.analytics.sums import NUMBERS
from app.analytics.tools import calls
from app.analytics.window import Window
from app.db.engine import Database, Tx
from app.facts.calendar import MOMENT
from app.facts.latency import bucket
from tests.factories import Logbook
from tests.people import Company, Founder

ZONES = ("UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "Europe/London")
BEGIN = datetime(2026, 10, 23, tzinfo=UTC)  # London's clocks change on the 25th, New York's on 1 November
SPAN_S = 10 * 86_400
KEYS: tuple[Key, ...] = ("day", "agent", "model", "user")
moments = st.one_of(
    st.integers(0, SPAN_S).map(lambda s: BEGIN + timedelta(seconds=s)),
    st.integers(0, 240).map(lambda n: BEGIN + timedelta(hours=n)),  # on the dot, where windows and days begin
    st.integers(0, 240).map(lambda n: BEGIN + timedelta(hours=n) - MOMENT),
)


@dataclass(frozen=True)
class Said:
    """A message as the tests know it."""

    at: datetime
    session: int
    role: str
    agent: str | None
    model: str | None
    error: bool
    ms: int | None
    tokens: tuple[int, int, int, int]
    cost: int | None


said = st.builds(
    Said,
    at=moments,
    session=st.integers(0, 3),
    role=st.sampled_from(["user", "assistant", "assistant", "tool"]),
    agent=st.sampled_from([None, "a", "b", "unknown"]),
    model=st.sampled_from([None, "m", "n"]),
    error=st.booleans(),
    ms=st.one_of(st.none(), st.integers(0, 5), st.integers(0, 2**31 - 1)),
    tokens=st.tuples(*[st.integers(0, 2**31 - 1)] * 4),
    cost=st.one_of(st.none(), st.integers(0, 10**12)),
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "agent": st.sampled_from([["a"], ["a", "b"], ["unknown", ""]]),
        "model": st.sampled_from([["m"], ["m", "n"], ["x"]]),
        "user": st.sampled_from([[0], [0, 1]]),
    },
)


@st.composite
def windows(draw: st.DrawFn) -> tuple[datetime, datetime]:
    low, high = sorted((draw(moments), draw(moments)))
    if draw(st.booleans()):
        # With a whole week in it, in every zone.
        low, high = min(low, BEGIN + timedelta(days=2)), BEGIN + timedelta(seconds=SPAN_S)
    return low, high + MOMENT


@dataclass(frozen=True)
class Story:
    """What happened, in which account's zone, and the zone that is asked for."""

    home: str
    zone: str
    truth: list[Said]
    created: list[datetime]
    updated: list[datetime]


stories = st.builds(
    Story,
    home=st.sampled_from(ZONES),
    zone=st.sampled_from(ZONES),
    truth=st.lists(said, max_size=12),
    created=st.lists(moments, min_size=4, max_size=4),
    updated=st.lists(moments, min_size=4, max_size=4),
)


@dataclass
class World:
    """An account with some sessions of two members and of nobody, and the truth about them."""

    company: Company
    story: Story

    @property
    def owners(self) -> list[UUID | None]:
        return [self.company.viewer.id, self.company.engineer.id, None, self.company.viewer.id]

    def matching(self, window: Window, chosen: dict[str, list[Any]]) -> list[Said]:
        owners = self.owners
        return [
            m
            for m in self.story.truth
            if window.start <= m.at < window.stop
            and ("agent" not in chosen or (m.agent or "") in chosen["agent"])
            and ("model" not in chosen or m.model in chosen["model"])
            and ("user" not in chosen or owners[m.session] in chosen["user"])
        ]

    def plain(
        self, window: Window, chosen: dict[str, list[Any]], key: Key
    ) -> dict[Any, tuple[list[int], dict[int, int]]]:
        """The same, counted one by one."""
        found: defaultdict[Any, tuple[list[int], dict[int, int]]]
        found = defaultdict(lambda: ([0] * len(NUMBERS), defaultdict(int)))
        local = ZoneInfo(window.zone)
        for m in self.matching(window, chosen):
            if (key == "agent" and m.role != "assistant") or (key == "model" and m.model is None):
                continue
            names = {"day": m.at.astimezone(local).date(), "agent": m.agent or UNKNOWN, "model": m.model}
            numbers, histogram = found[names[key] if key != "user" else self.owners[m.session]]
            timed = m.ms is not None
            row = [1, m.error, *m.tokens, timed, m.ms or 0, m.cost or 0, m.cost is None]
            numbers[:] = [a + b for a, b in zip(numbers, row, strict=True)]
            if m.ms is not None and key in ("agent", "model"):
                histogram[bucket(m.ms)] += 1
        return dict(found)


async def world(founder: Founder, database: Database, story: Story) -> World:
    made = World(await founder.company(timezone=story.home), story)
    log = Logbook(database, made.company.id)
    times = zip(story.created, story.updated, made.owners, strict=True)
    sessions = [log.session(time, user_id=owner, updated_at=updated) for time, updated, owner in times]
    for m in story.truth:
        names = {"role": m.role, "agent_name": m.agent, "model_id": m.model, "is_error": m.error}
        classes = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
        tokens = dict(zip(classes, m.tokens, strict=True))
        log.message(sessions[m.session], m.at, given_response_ms=m.ms, cost_micros=m.cost, **names, **tokens)
        log.call(sessions[m.session], m.at, name=m.agent, is_error=m.error, given_duration_ms=m.ms)
    await log.write()
    return made


async def counted(tx: Tx, window: Window, chosen: Filters, key: Key) -> dict[Any, tuple[list[int], dict[int, int]]]:
    found = await count(tx, window, chosen, key)
    return {
        name: ([*sums.numbers], {number: n for number, n in enumerate(sums.histogram._counts) if n})
        for name, sums in found.items()
    }


def of(window: tuple[datetime, datetime], zone: str, home: str | None) -> Window:
    return Window(*window, zone, of_days=False, home=home)


exact = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@exact
@given(stories, windows(), filters)
async def test_rollups_facts_and_a_plain_count_agree(
    founder: Founder,
    database: Database,
    story: Story,
    ends: tuple[datetime, datetime],
    chosen: dict[str, list[Any]],
) -> None:
    made, zone = await world(founder, database, story), story.zone
    if "user" in chosen:
        chosen = {**chosen, "user": [made.owners[n] for n in chosen["user"]]}
    home, away = of(ends, zone, story.home), of(ends, zone, None)
    async with database.transaction(made.company.id, read_only=True) as tx:
        for key in KEYS:
            expected = made.plain(home, chosen, key)
            assert await counted(tx, home, Filters(chosen), key) == expected
            assert await counted(tx, away, Filters(chosen), key) == expected
        matching = made.matching(home, chosen)
        active: defaultdict[date, set[int]] = defaultdict(set)
        for m in matching:
            active[m.at.astimezone(ZoneInfo(zone)).date()].add(m.session)
        days = {day: len(sessions) for day, sessions in active.items()}
        began = {n for n, time in enumerate(story.created) if home.start <= time < home.stop}
        if chosen.keys() & {"agent", "model"}:
            began &= {m.session for m in matching}
        elif "user" in chosen:
            began = {n for n in began if made.owners[n] in chosen["user"]}
        for window in (home, away):
            found, created = await active_and_created(tx, window, Filters(chosen))
            assert ({day: n for day, n in found.items() if n}, created) == (days, len(began))
            assert await created_sessions(tx, window, Filters(chosen)) == len(began)
            assert sum((await created_by_member(tx, window, Filters(chosen))).values()) == len(began)
            updated = sum(window.start <= time < window.stop for time in story.updated)
            assert await updated_sessions(tx, window) == updated
        tools = [
            {name: (t.numbers, t.histogram._counts) for name, t in (await calls(tx, window, [])).items()}
            for window in (home, away)
        ]
        assert tools[0] == tools[1]
        assert sum(numbers[0] for numbers, _ in tools[0].values()) == len(made.matching(home, {}))


@exact
@given(stories, windows(), moments)
async def test_any_split_of_a_window_adds_up_to_the_whole(
    founder: Founder,
    database: Database,
    story: Story,
    ends: tuple[datetime, datetime],
    between: datetime,
) -> None:
    made, zone = await world(founder, database, story), story.zone
    low, high = ends
    cut = min(max(low, between), high)
    async with database.transaction(made.company.id, read_only=True) as tx:
        for home in (story.home, None):
            await parts_add_up(tx, [of(part, zone, home) for part in ((low, cut), (cut, high), (low, high))])


async def parts_add_up(tx: Tx, windows: list[Window]) -> None:
    counts = [[await counted(tx, window, Filters({}), key) for window in windows] for key in KEYS]
    assert all(added(first, second) == whole for first, second, whole in counts)
    first, second, whole = [await created_sessions(tx, window, Filters({})) for window in windows]
    assert first + second == whole


def added(
    a: dict[Any, tuple[list[int], dict[int, int]]], b: dict[Any, tuple[list[int], dict[int, int]]]
) -> dict[Any, tuple[list[int], dict[int, int]]]:
    nothing: tuple[list[int], dict[int, int]] = ([0] * len(NUMBERS), {})
    found = {}
    for name in a.keys() | b.keys():
        (x, h), (y, i) = a.get(name, nothing), b.get(name, nothing)
        numbers = [p + q for p, q in zip(x, y, strict=True)]
        found[name] = (numbers, {n: h.get(n, 0) + i.get(n, 0) for n in sorted(h.keys() | i.keys())})
    return found


def test_the_two_paths_are_two() -> None:
    """Else the comparison would compare a path with itself."""
    window = of((BEGIN, BEGIN + timedelta(days=3)), "UTC", "UTC")
    assert by_days(window).whole
    assert by_window(window).whole
    assert by_days(replace(window, home=None)).whole is None
