"""tally process, as typed."""

import asyncio
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from app.cli.processing import process_all
from app.db.addresses import Addresses
from app.db.engine import Database
from app.db.leases import Lease, claim
from app.transcripts import pipeline
from app.transcripts.passes import job_of
from tests.audit_rows import audited
from tests.cli.terminal import Terminal
from tests.people import Company
from tests.server import plain
from tests.serving import pool, serving
from tests.transcripts.library import library_of
from tests.transcripts.test_administration import LOG


@pytest.fixture
def typed(terminal: Terminal, addresses: Addresses) -> Terminal:
    return terminal.with_(DATABASE_URL=plain(addresses.application))


@pytest.fixture
async def account(typed: Terminal, addresses: Addresses) -> UUID:
    """A company that has uploaded a log to a server with the same data directory."""
    async with serving(addresses, TALLY_DATA_DIR=Path(typed.environment["TALLY_DATA_DIR"])) as api:
        library = library_of(api.app, api.client, await api.founder.company())
        await library.upload("a.jsonl", LOG)
        return library.company.id


async def runs(database: Database, account: UUID) -> list[tuple[str, UUID | None, str]]:
    rows = [(row.action, row.user_id, row.client_kind) for row in await audited(database, account)]
    return [row for row in rows if row[0].startswith("run_session_processor")]


async def test_what_waits_is_read(typed: Terminal, account: UUID) -> None:
    rows = await asyncio.to_thread(typed.report, "process", "--account", account)
    assert [(row["processor"], row["processed"], row["errors"]) for row in rows] == [
        ("usage", 1, 0),
        ("friction", 1, 0),
    ]
    again = await asyncio.to_thread(typed.tally, "process", "usage", "--account", account)
    assert (again.code, again.out) == (0, "No log waits to be read.\n")


async def test_each_run_is_on_record_as_an_operator_s_in_the_accounts_it_was_for(
    typed: Terminal, addresses: Addresses, account: UUID, other_company: Company
) -> None:
    await asyncio.to_thread(typed.report, "process", "--account", account)
    async with pool(addresses) as database:
        assert await runs(database, account) == [
            (f"run_session_processor:{name}", None, "cli") for name in ("usage", "friction")
        ]
        assert await runs(database, other_company.id) == []


async def test_a_run_is_on_record_once_however_many_passes_it_takes(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "Budget", partial(pipeline.Budget, files=1))
    async with serving(addresses) as api:
        library = library_of(api.app, api.client, await api.founder.company())
        for name in ("a.jsonl", "b.jsonl"):
            await library.upload(name, LOG)
        given = (library.database, api.app.state.storage, library.company.id)
        found = await process_all(*given, pipeline.processors()["usage"])
        assert (found["processed"], len(await runs(*given[::2]))) == (2, 1)


async def test_one_that_runs_elsewhere_is_left_to_it(typed: Terminal, addresses: Addresses, account: UUID) -> None:
    async with pool(addresses) as database:
        assert isinstance(await claim(database, account, job_of("usage")), Lease)
        (row,) = await asyncio.to_thread(typed.report, "process", "usage", "--account", account)
        assert await runs(database, account) == []
    assert (row["running"], row["scanned"]) == (True, 0)


async def test_an_unknown_processor_is_one_sentence(typed: Terminal) -> None:
    ended = await asyncio.to_thread(typed.tally, "process", "nonsense")
    assert ended.sentence == "There is no such processor; there are: usage, friction."
