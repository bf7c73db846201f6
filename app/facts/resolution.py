"""From rows as producers know them to facts as we key them: ids, members, sessions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.facts.admission import Admitted
from app.facts.identity import fact_key, global_key, session_key
from app.facts.kinds import HandoffFact, MessageFact, SessionFact, StepFact, ToolCallFact
from app.facts.members import Sender
from app.facts.prices import VERSION, PriceBook, Tokens
from app.facts.rows import HandoffRow, MessageRow, SessionRow, StepRow, ToolCallRow
from app.facts.write import Facts

# A user who only happened to send a session was never said to be its owner, so any word on that is newer.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# A member who may send only their own is the owner, unless an admin says otherwise later.
ONCE = datetime(1970, 1, 2, tzinfo=UTC)
ATTRIBUTES = ("session_type", "intake_type", "status", "confidence_tier", "provider", "model")


@dataclass(frozen=True)
class Resolver:
    """Resolves the rows of one call."""

    sender: Sender
    members: Mapping[str, UUID]
    book: PriceBook
    now: datetime
    label: Callable[[str], str | None]
    _sessions: dict[str, UUID] = field(default_factory=dict)

    def facts(self, rows: Admitted) -> Facts:
        facts = Facts()
        spans: dict[str, list[datetime]] = {}
        for _, message in rows.messages:
            facts.messages.append(self.message(message))
            spans.setdefault(message.session_id, []).extend(known(message.created_at, message.completed_at))
        for _, call in rows.tool_calls:
            facts.tool_calls.append(self.call(call))
            spans.setdefault(call.session_id, []).extend(known(call.started_at, call.completed_at))
        for _, step in rows.steps:
            facts.steps.append(self.step(step))
            spans.setdefault(step.session_id, []).append(step.created_at)
        for _, handoff in rows.handoffs:
            facts.handoffs.append(self.handoff(handoff))
            spans.setdefault(handoff.session_id, []).extend(known(handoff.created_at, handoff.claimed_at))
        facts.sessions = [self.session(session) for _, session in rows.sessions]
        facts.sessions += [self.stub(name, times) for name, times in spans.items()]
        return facts

    def _key(self, kind: str, row: Any) -> UUID:
        if getattr(row, "global_id", None) is not None:
            return global_key(self.sender.account_id, kind, row.global_id)
        return fact_key(self.sender.account_id, kind, row.session_id, row.id)

    def _session(self, name: str) -> UUID:
        found = self._sessions.get(name)
        if found is None:
            found = self._sessions[name] = session_key(self.sender.account_id, name)
        return found

    def session(self, row: SessionRow) -> SessionFact:
        said = row.updated_at or row.created_at
        member = self.members.get(row.user_id or row.user_email or "")
        user, user_at = (member, said) if member else self._sender()
        workspace = self.label(row.workspace) if row.workspace else None
        values: Any = [part for name in ATTRIBUTES for part in stamped(getattr(row, name), said)]
        values += stamped(workspace, said)
        return SessionFact(self._session(row.id), row.id, False, row.created_at, said, user, user_at, *values)

    def stub(self, name: str, times: list[datetime]) -> SessionFact:
        """A session that is only spoken of, until a row of its own comes.

        Where no time is given, the arrival dates it, but brings nothing up to date: sent again, it would do so again.
        """
        first, last = min(times, default=self.now), max(times, default=NEVER)
        return SessionFact(self._session(name), name, True, first, last, *self._sender())

    def _sender(self) -> tuple[UUID | None, datetime | None]:
        if self.sender.id is None:
            return None, None
        return self.sender.id, NEVER if self.sender.is_admin else ONCE

    def message(self, row: MessageRow) -> MessageFact:
        classes = row.input_tokens, row.output_tokens, row.cache_read_tokens, row.cache_creation_tokens
        tokens = Tokens(*classes, row.cache_creation_1h_tokens)
        cost = self.book.micros(row.provider, row.model_id, row.created_at, tokens)
        return MessageFact(
            self._key("message", row),
            self._session(row.session_id),
            row.session_id if row.global_id else None,
            None,
            row.role,
            row.status,
            row.is_error or row.status == "failed" or row.error_kind is not None,
            row.error_kind,
            row.agent_name,
            row.model_id,
            row.provider,
            row.created_at,
            row.started_at,
            row.completed_at,
            row.response_time_ms,
            *classes,
            row.cache_creation_1h_tokens or None,
            row.usage_rank,
            cost,
            VERSION if cost else None,
        )

    def call(self, row: ToolCallRow) -> ToolCallFact:
        return ToolCallFact(
            self._key("tool call", row),
            self._session(row.session_id),
            row.session_id if row.global_id else None,
            None,
            row.message_id,
            row.name,
            row.status,
            row.is_error or row.status == "error",
            row.started_at,
            row.completed_at,
            self.now,
            row.duration_ms,
        )

    def step(self, row: StepRow) -> StepFact:
        return StepFact(
            self._key("step", row),
            self._session(row.session_id),
            row.created_at,
            row.step_order,
            row.step_type,
            row.confidence_at_step,
            row.input_tokens,
            row.output_tokens,
            row.is_fork_point,
            row.was_free_text,
            row.was_skipped,
        )

    def handoff(self, row: HandoffRow) -> HandoffFact:
        return HandoffFact(
            self._key("handoff", row),
            self._session(row.session_id),
            row.created_at,
            self.members.get(row.handed_off_by or ""),
            row.intent,
            row.priority,
            row.claimed_at,
            self.members.get(row.claimed_by or ""),
        )


def known(*times: datetime | None) -> Iterable[datetime]:
    return [time for time in times if time is not None]


def stamped(value: str | None, said: datetime) -> tuple[str | None, datetime | None]:
    return (value, said) if value is not None else (None, None)
