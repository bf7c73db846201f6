"""GET, PATCH /api/v1/account: the account's settings."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StrictBool
from sqlalchemy import Select, select, update

from app import audit
from app.auth.caller import AdminChange, AdminTx, CallerTx, MemberDetail
from app.auth.guard import GuardedRoute
from app.facts import relabelling, upkeep
from app.facts.workspaces import Labels
from app.models.account import Account
from app.web.schema import Body, Instant, Name, Shape, left_out

router = APIRouter(prefix="/api/v1/account", tags=["administration"], route_class=GuardedRoute)


def known_zone(name: str) -> str:
    # Of these two the machine's own name means something else everywhere, and the other is no zone.
    if name not in available_timezones() - {"localtime", "Factory"}:
        raise ValueError("must be an IANA time zone such as Europe/Berlin")
    return name


Zone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(known_zone)]


class SettingsChange(Body):
    """Fields left out stay as they are."""

    name: Name = Field(default_factory=left_out)
    timezone: Zone = Field(default_factory=left_out)
    retention_days: int = Field(ge=0, le=36_500, strict=True, default_factory=left_out)
    audit_days: int = Field(ge=0, le=36_500, strict=True, default_factory=left_out)
    workspace_labels: Labels = Field(default_factory=left_out)
    create_members: StrictBool = Field(default_factory=left_out)
    keep_transcripts: StrictBool = Field(default_factory=left_out)
    allow_raw_uploads: StrictBool = Field(default_factory=left_out)
    member_detail: MemberDetail = Field(default_factory=left_out)


class AccountSettings(Shape):
    id: UUID
    name: str
    display_code: str
    timezone: str = Field(description="The zone whose days reports count in.")
    retention_days: int = Field(description="Facts older than this are deleted; 0 keeps them for ever.")
    audit_days: int = Field(description="Audit rows older than this are deleted; 0 keeps them for ever.")
    workspace_labels: Labels = Field(
        description="How workspaces are named: by path, by hash, or by last folder. A change names stored sessions"
        " anew, as far as can be: a path becomes its hash or its last folder; a last folder becomes a hash of itself,"
        " which is not that of its path; a hash stays, and what was cut off does not come back."
    )
    create_members: bool = Field(description="Whether ingest makes members of e-mail addresses it does not know.")
    keep_transcripts: bool = Field(
        description="Whether raw session logs stay once every processor has read them. Turned off, those that were read"
        " before are deleted within about a minute."
    )
    allow_raw_uploads: bool = Field(description="Whether members may send raw session logs, rather than rows alone.")
    member_detail: MemberDetail = Field(
        description="What people below admin see of others one by one: `all`; with `groups` nobody where a filter"
        " leaves fewer than three; with `own` only themselves."
    )
    created_at: Instant
    updated_at: Instant


def settings_of(account: UUID) -> Select[Any]:
    return select(*(Account.__table__.c[name] for name in AccountSettings.model_fields)).where(Account.id == account)


async def current(tx: CallerTx) -> AccountSettings:
    return AccountSettings.model_validate((await tx.connection.execute(settings_of(tx.account))).one())


@router.get("")
async def read_account(tx: AdminTx) -> AccountSettings:
    """The account's settings."""
    return await current(tx)


@router.patch("")
async def change_account(tx: AdminChange, change: SettingsChange) -> AccountSettings:
    """Change settings. Another time zone moves every day in the reports, another rule for workspaces names every
    stored session anew, both at once: a large account takes seconds.
    """  # noqa: D205 - two sentences
    changed = change.model_dump(exclude_unset=True)
    if not changed:
        return await current(tx)
    values = {**changed}
    zone = values.pop("timezone", None)
    if zone is not None:
        await upkeep.change_zone(tx, zone)
    labels = values.pop("workspace_labels", None)
    if labels is not None:
        await relabelling.change_labels(tx, labels)
    chosen = update(Account).where(Account.id == tx.account)
    await tx.connection.execute(chosen.values(**values, updated_at=datetime.now(UTC)))
    await audit.record(tx, "account.change", tx.account, **{k: v for k, v in changed.items() if k != "name"})
    return await current(tx)
