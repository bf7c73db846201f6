"""tally import, as typed."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.db.addresses import Addresses
from app.db.engine import Database
from tests.audit_rows import audited
from tests.cli.terminal import Terminal
from tests.people import Company
from tests.server import plain

EVENT = (
    '{"type": "turn.completed", "at": "2026-05-01T08:00:00Z", "thread_id": "t", "turn_id": "%d", "text": "said",'
    ' "usage": {"output_tokens": 5}}\n'
)


@pytest.fixture
def typed(terminal: Terminal, addresses: Addresses) -> Terminal:
    return terminal.with_(DATABASE_URL=plain(addresses.application))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(EVENT % n for n in range(3)))
    return path


def test_a_journal_is_imported_once(typed: Terminal, company: Company, journal: Path) -> None:
    given = ("import", journal, "--account", company.id, "--user", company.viewer.email)
    first, again = (typed.report(*given) for _ in range(2))
    counts = ("files", "lines_read", "skipped_by_offset", "rows", "errors")
    assert [first[name] for name in counts] == [1, 3, 0, 3, 0]
    assert [again[name] for name in counts] == [1, 0, 3, 0, 0]


def test_a_corrupt_line_is_named_and_told_in_the_report(typed: Terminal, company: Company, journal: Path) -> None:
    with journal.open("a") as file:
        file.write("nonsense\n")
    given: tuple[Any, ...] = ("import", journal, "--account", company.id)
    ended = typed.tally(*given, "--json")
    assert ended.sentence == (
        f"{journal}:4: The line is not JSON throughout. Nothing was stored; mend the line, or say --best-effort."
    )
    assert (ended.json["rows"], ended.json["errors"]) == (0, 1)
    report = typed.report(*given, "--best-effort")
    assert (report["rows"], report["errors"], report["errors_detail"][0]["line"]) == (3, 1, 4)


def test_a_person_reads_what_came_of_it(typed: Terminal, company: Company, journal: Path) -> None:
    with journal.open("a") as file:
        file.write('nonsense\n{"type": "turn')
    ended = typed.tally("import", journal, "--account", company.id, "--best-effort")
    assert ended.code == 0
    assert "rows               3" in ended.out
    assert f"{journal}: its last line waits for the rest" in ended.out
    assert f"{journal}:4: " in ended.err


async def test_each_run_is_on_record_as_an_operator_s_by_its_member_and_choices(
    typed: Terminal, database: Database, company: Company, journal: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text(EVENT % 3)
    given: tuple[Any, ...] = ("import", journal, more, "--account", company.id)
    typed.report(*given, "--user", company.viewer.email)
    typed.report(*given, "--rebuild", "--best-effort")
    typed.tally(*given, "--user", "nobody@example.com")
    rows = [row for row in await audited(database, company.id) if row.client_kind == "cli"]
    assert [(row.action, row.resource, row.user_id) for row in rows] == [
        ("journal.import", str(company.viewer.id), None),
        ("journal.import", None, None),
    ]
    assert [row.parameters for row in rows] == [
        {"files": 2, "best_effort": chosen, "rebuild": chosen} for chosen in (False, True)
    ]


@pytest.mark.parametrize("way", [(), ("--json",)])
def test_a_file_of_which_nothing_can_be_read_is_a_failure_all_the_same(
    typed: Terminal, company: Company, journal: Path, tmp_path: Path, way: tuple[str, ...]
) -> None:
    noise = tmp_path / "noise.jsonl"
    noise.write_text("nonsense\n" * 3)
    given: tuple[Any, ...] = ("import", journal, noise, "--account", company.id, "--best-effort", *way)
    ended = typed.tally(*given)
    assert ended.code == 1
    assert f"tally: {noise}: no line of it could be read" in ended.err
    assert f"{journal}: no line" not in ended.err
    with journal.open("a") as file:
        file.write("nonsense\n")
    noise.write_text((EVENT % 3) + "nonsense\n")
    assert typed.tally(*given).code == 0


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--account", uuid4()), "There is no account with this id"),
        (("--user", "nobody@example.com"), "This account has no such member"),
        (("--rebuild", "no-such-file"), "no-such-file cannot be used"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    typed: Terminal, company: Company, journal: Path, more: tuple[Any, ...], sentence: str
) -> None:
    ended = typed.tally("import", journal, "--account", company.id, *more)
    assert sentence in ended.sentence


def test_a_file_without_any_event_is_said_to_be_no_journal(typed: Terminal, company: Company, journal: Path) -> None:
    other = journal.with_name("log.jsonl")
    other.write_text('{"type": "assistant", "sessionId": "s"}\n' * 3)
    ended = typed.tally("import", other, "--account", company.id)
    assert ended.code == 0
    assert f"{other}: no line of it is an event of a journal; logs of sessions are read by `tally push`" in ended.out
    assert "no line of it" not in typed.tally("import", journal, "--account", company.id).out
