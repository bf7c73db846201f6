"""What happened in the demo's company: a pure function of the seed, the account's first day and the day asked for.

No day depends on another, nor on the clock: told again, a day is the same day, and only what was still to come at the
last telling is added. Numbers and names, no words.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp
from random import Random
from typing import Any

from app.cli.demo.cast import AGENTS, HOURS, INTAKES, PRIORITIES, WEEKDAYS, WORKSPACES, Agent
from app.cli.demo.chance import chosen
from app.cli.demo.people import PEOPLE
from app.cli.demo.session import Conditions, Session
from app.facts.calendar import Calendar

KINDS = ("sessions", "messages", "tool_calls", "steps", "handoffs")
SESSIONS_A_DAY = 42.0
GROWTH_DAYS = 80.0
INCIDENT_WEEKS, SLOW_WEEKS, SLOWER = 13, 4, 2.4
Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Story:
    """`anchor`: the day the account began, around which its growth and its bad days are laid."""

    seed: int
    anchor: date
    calendar: Calendar

    def day(self, day: date) -> list[Session]:
        """The sessions that began on a local day, played to their ends."""
        random = Random(f"{self.seed} {day}")  # noqa: S311 - a story, no secret
        conditions = self.conditions(day)
        return [self._session(random, day, number, conditions) for number in range(self.sessions(random, day))]

    def conditions(self, day: date) -> Conditions:
        """One incident in thirteen weeks, a slow day in four; on working days, and which is the seed's."""
        week = (day - self.anchor).days // 7
        incident = week % INCIDENT_WEEKS == INCIDENT_WEEKS - 3 and day.weekday() == 1 + self.seed % 3
        slow = week % SLOW_WEEKS == SLOW_WEEKS - 2 and day.weekday() == self.seed % 5
        return Conditions(incident=incident, slowness=SLOWER if incident or slow else 1.0)

    def sessions(self, random: Random, day: date) -> int:
        """Growing at first, then less: half as many a quarter before the anchor."""
        growth = 2 / (1 + exp(-(day - self.anchor).days / GROWTH_DAYS))
        return round(SESSIONS_A_DAY * growth * WEEKDAYS[day.weekday()] * random.lognormvariate(0, 0.12))

    def _session(self, random: Random, day: date, number: int, conditions: Conditions) -> Session:
        hour = chosen(random, dict(enumerate(HOURS)))
        person = chosen(random, {person: person.activity for person in PEOPLE})
        agent: Agent = random.choices(AGENTS, [agent.share for agent in AGENTS])[0]
        began = self.calendar.start(day) + timedelta(seconds=hour * 3600 + random.randrange(3600))
        outage = conditions.incident and 10 <= hour < 17
        session = Session(f"demo-{self.seed}-{day}-{number:03}", began, agent, random)
        session.row = {
            "user_email": person.email,
            "intake_type": chosen(random, INTAKES),
            "workspace": random.choice(WORKSPACES),
        }
        session.play(Conditions(incident=outage, slowness=conditions.slowness))
        if random.random() < agent.handoff * (2 if outage else 1):
            session.hand_off(person, chosen(random, PRIORITIES))
        return session


def told(sessions: Iterable[Session], until: datetime) -> Rows:
    """Their rows, as known at `until`."""
    rows: Rows = {kind: [] for kind in KINDS}
    for session in sessions:
        for kind, more in session.told(until).items():
            rows[kind] += more
    return rows
