"""Facts for tests, brought in by the real writer: say what matters, the rest is ordinary."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from app.db.engine import Database
from app.facts.calendar import Calendar
from app.facts.kinds import HandoffFact, MessageFact, SessionFact, StepFact, ToolCallFact
from app.facts.prices import PriceBook
from app.facts.write import Facts, Writer, enter
from app.models.account import Account

MESSAGE = MessageFact(
    id=UUID(int=0),
    session_id=UUID(int=0),
    session_key=None,
    user_id=None,
    role="assistant",
    status="completed",
    is_error=False,
    error_kind=None,
    agent_name=None,
    model_id=None,
    provider=None,
    created_at=datetime.now(UTC),
    started_at=None,
    completed_at=None,
    given_response_ms=None,
    input_tokens=0,
    output_tokens=0,
    cache_read_tokens=0,
    cache_creation_tokens=0,
    cache_creation_1h_tokens=None,
    usage_rank=None,
    cost_micros=0,
    price_version=None,
)
CALL = ToolCallFact(
    id=UUID(int=0),
    session_id=UUID(int=0),
    session_key=None,
    user_id=None,
    message_id=None,
    name=None,
    status="success",
    is_error=False,
    started_at=None,
    completed_at=None,
    received_at=datetime.now(UTC),
    given_duration_ms=None,
)
STEP = StepFact(UUID(int=0), UUID(int=0), CALL.received_at, *(None,) * 5, False, False, False)


def at(text: str) -> datetime:
    """An instant, UTC unless an offset says otherwise."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


@dataclass
class Logbook:
    """What one account's agents did, until it is written down."""

    database: Database
    account: UUID
    facts: Facts = field(default_factory=Facts)

    def session(self, created_at: datetime, user_id: UUID | None = None, **columns: Any) -> UUID:
        session = uuid4()
        columns.setdefault("updated_at", created_at)
        row = SessionFact(session, str(session), False, created_at, user_id=user_id, user_id_at=created_at, **columns)
        self.facts.sessions.append(row)
        return session

    def message(self, session: UUID, created_at: datetime, **columns: Any) -> UUID:
        row = MESSAGE._replace(id=uuid4(), session_id=session, created_at=created_at, **columns)
        self.facts.messages.append(row)
        return row.id

    def call(self, session: UUID, started_at: datetime, **columns: Any) -> UUID:
        row = CALL._replace(id=uuid4(), session_id=session, started_at=started_at, **columns)
        self.facts.tool_calls.append(row)
        return row.id

    def step(self, session: UUID, created_at: datetime) -> None:
        self.facts.steps.append(STEP._replace(id=uuid4(), session_id=session, created_at=created_at))

    def handoff(self, session: UUID, created_at: datetime, **columns: Any) -> None:
        columns = dict.fromkeys(HandoffFact._fields[3:]) | columns
        self.facts.handoffs.append(HandoffFact(uuid4(), session, created_at, **columns))

    def messages(self, *times: datetime, **columns: Any) -> UUID:
        """A session of its own with a message at each of these times."""
        session = self.session(times[0])
        for time in times:
            self.message(session, time, **columns)
        return session

    async def write(self) -> None:
        """One transaction of the writer; the page is empty afterwards."""
        facts, self.facts = self.facts, Facts()
        belonging: list[Any] = [*facts.messages, *facts.tool_calls, *facts.steps, *facts.handoffs]
        spoken_of = {row.session_id for row in belonging}
        async with self.database.transaction(self.account) as tx:
            await enter(tx)
            zone = await tx.connection.scalar(select(Account.timezone).where(Account.id == tx.account))
            known = {row.id for row in facts.sessions}
            facts.sessions += [stub(session) for session in sorted(spoken_of - known)]
            await Writer(tx, Calendar(zone or "UTC"), PriceBook()).write(facts)


def stub(session: UUID) -> SessionFact:
    """A session that was written before, now only spoken of: it changes nothing there."""
    return SessionFact(session, str(session), True, datetime.now(UTC), at("1970-01-01"), None, None)
