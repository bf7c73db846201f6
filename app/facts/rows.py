"""The shapes every source of facts must reach: what producers send, before keys and members are resolved.

Metadata only: a field that is not named here is refused, so that nothing anybody said can come in.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
)

from app.web.schema import spelled_out

# Control characters are in no id or name; NUL and lone surrogates cannot be stored at all.
PLAIN = r"^[^\x00-\x1f\x7f]+$"
LINE = r"^[^\x00-\x1f\x7f]*$"
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LARGEST = 2**31 - 1

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=PLAIN, strict=True)]
Person = Annotated[str, Field(max_length=254, pattern=LINE)]
# In UTC from here on: instants of one zone are compared ten times as fast as those of two.
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(spelled_out),
    Field(ge=EARLIEST, lt=LATEST, description="With an offset."),
    AfterValidator(lambda moment: moment.astimezone(UTC)),
]
Count = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Flag = Annotated[bool, Field(strict=True)]


def whole_milliseconds(value: Any) -> int:
    """Clocks give fractions; sums of whole numbers alone are exact in any order."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LARGEST:
        raise ValueError(f"must be a number of milliseconds from 0 to {LARGEST}")
    return round(value)


Milliseconds = Annotated[
    int,
    PlainValidator(whole_milliseconds, json_schema_input_type=Annotated[float, Field(ge=0, le=LARGEST)]),
    Field(description="Kept in whole milliseconds: rounded, a half to the even one."),
]


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class SessionRow(Row):
    """One conversation or run. Sent again it is brought up to date: what was said last stays."""

    id: Name
    created_at: Moment
    updated_at: Moment | None = Field(
        None,
        description="When this was said; without it, `created_at`. Of what different reports say of the member, the"
        " status or a name, the latest stays; of two said at once, the one that sorts last.",
    )
    user_id: Annotated[Person, Field(max_length=36)] | None = Field(
        None, description="The member it belongs to. To hand it to another, send it with a later `updated_at`."
    )
    user_email: Person | None = Field(None, description="Or the member by e-mail.")
    session_type: Name | None = None
    intake_type: Name | None = None
    status: Name | None = None
    confidence_tier: Name | None = None
    provider: Name | None = None
    model: Name | None = None
    workspace: Name | None = None


class MessageRow(Row):
    """One turn. May be sent when it starts and again when it ends, in either order."""

    session_id: Name
    id: Name
    global_id: Name | None = Field(None, description="The provider's own id: equal ones are one message.")
    role: Literal["user", "assistant", "system", "tool"]
    created_at: Moment
    agent_name: Name | None = None
    model_id: Name | None = None
    provider: Name | None = None
    status: Literal["running", "completed", "failed"] = "completed"
    error_kind: Name | None = Field(None, description="One word for what went wrong; it alone makes an error.")
    is_error: Flag = False
    input_tokens: Count = Field(0, description="Without cached ones: the four classes are disjoint.")
    output_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_creation_tokens: Count = 0
    cache_creation_1h_tokens: Count = Field(
        0, description="Of cache_creation_tokens, those kept an hour: they cost more."
    )
    usage_rank: Annotated[int, Field(ge=0, le=100, strict=True)] | None = Field(
        None,
        description="Of several reports of one call the tokens are those of the smallest rank, of equal ranks those"
        " with the largest sum. Without it, of each class the largest.",
    )
    response_time_ms: Milliseconds | None = None
    started_at: Moment | None = None
    completed_at: Moment | None = None

    @field_validator("cache_creation_1h_tokens")
    @classmethod
    def _part_of_cache_creation(cls, tokens: int, info: ValidationInfo) -> int:
        if tokens > info.data.get("cache_creation_tokens", tokens):
            raise ValueError("is a part of cache_creation_tokens, so it cannot be more")
        return tokens


class ToolCallRow(Row):
    """One use of a tool. Start and end may come apart, in either order."""

    session_id: Name
    id: Name
    global_id: Name | None = Field(None, description="The provider's own id: equal ones are one call.")
    message_id: Name | None = None
    name: Name | None = None
    status: Literal["running", "success", "error"] = "success"
    is_error: Flag = False
    started_at: Moment | None = None
    completed_at: Moment | None = None
    duration_ms: Milliseconds | None = None


class StepRow(Row):
    """One step of a guided session."""

    session_id: Name
    id: Name
    created_at: Moment
    step_order: Annotated[int, Field(ge=-LARGEST, le=LARGEST, strict=True)] | None = None
    step_type: Name | None = None
    confidence_at_step: Annotated[float, Field(allow_inf_nan=False)] | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    is_fork_point: Flag = False
    was_free_text: Flag = False
    was_skipped: Flag = False


class HandoffRow(Row):
    """A session handed to people; sent again once somebody claims it."""

    session_id: Name
    id: Name
    created_at: Moment
    handed_off_by: Person | None = Field(None, description="Member by id or e-mail.")
    intent: Name | None = None
    priority: Name | None = None
    claimed_at: Moment | None = None
    claimed_by: Person | None = Field(None, description="Member by id or e-mail.")


class Batch(Row):
    """Up to 10,000 rows, in any order; a row may come before what it refers to."""

    sessions: list[SessionRow] = []
    messages: list[MessageRow] = []
    tool_calls: list[ToolCallRow] = []
    steps: list[StepRow] = []
    handoffs: list[HandoffRow] = []


ROWS: dict[str, type[Row]] = {
    "sessions": SessionRow,
    "messages": MessageRow,
    "tool_calls": ToolCallRow,
    "steps": StepRow,
    "handoffs": HandoffRow,
}
