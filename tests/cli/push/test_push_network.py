"""What goes wrong on the way, and at the other end: waited for where that helps, said where it does not."""

import asyncio
import datetime as dt
import secrets
import time
from pathlib import Path

import httpx
import pytest
from httpx import AsyncClient

from app.admin.founding import create_key
from app.db.addresses import Addresses
from app.db.engine import Database
from tests.cli.push.conftest import SECRET, machine_of
from tests.cli.push.machine import Machine, copied, many, session
from tests.cli.push.test_push_faults import TREE
from tests.cli.push.wires import proxy, tls
from tests.people import Company
from tests.process import Running, free_port, serving, tally


async def test_a_server_that_goes_and_comes_again_is_waited_for(
    addresses: Addresses, database: Database, company: Company, tmp_path: Path
) -> None:
    port, folder = free_port(), tmp_path
    machine = await machine_of(database, company, company.engineer, tmp_path, f"http://127.0.0.1:{port}")
    logs = copied(TREE, machine.home / "logs")
    many(logs / "more", 1200, lines=10)
    environment = serving(addresses, SECRET, TALLY_RATE_LIMIT="0", TALLY_PORT=str(port))
    with tally(folder, "serve", **environment) as first, machine.pushing(logs, "--json") as running:
        await until_something_came(machine)
        first.process.kill()
        first.wait()
        await asyncio.sleep(1)
        assert running.process.poll() is None
        with tally(folder, "serve", **environment):
            assert running.process.wait(60) == 0, running.err
            assert "Nothing answers" in running.err
            assert machine.pushed(logs)["rows"]["read"] == 0
    await machine.has_all_of(TREE)
    assert len(await machine.files()) == len(TREE.logs) + 1200


async def until_something_came(machine: Machine) -> None:
    deadline = time.monotonic() + 30
    while not await machine.totals():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_server_that_stays_away_loses_nothing(
    addresses: Addresses, database: Database, company: Company, tmp_path: Path
) -> None:
    port, folder = free_port(), tmp_path
    machine = await machine_of(database, company, company.engineer, tmp_path, f"http://127.0.0.1:{port}")
    logs = many(machine.home / "logs", 1200, lines=10)
    environment = serving(addresses, SECRET, TALLY_RATE_LIMIT="0", TALLY_PORT=str(port))
    with (
        tally(folder, "serve", **environment) as server,
        machine.pushing(logs, "--patience", 1, "--json") as running,
    ):
        await until_something_came(machine)
        server.process.kill()
        assert running.process.wait(60) == 1
        assert "Nothing answers" in running.err
        assert "goes on from there" in running.err
    assert "Nothing answers" in machine.push(logs, "--patience", 0).sentence
    with tally(folder, "serve", **environment):
        machine.pushed(logs)
    assert len(await machine.totals()) == len(await machine.files()) == 1200


async def test_a_server_that_says_slower_is_obeyed(
    addresses: Addresses, database: Database, company: Company, tmp_path: Path
) -> None:
    environment = serving(addresses, SECRET, TALLY_RATE_LIMIT="1", TALLY_RATE_BURST="1")
    with tally(tmp_path, "serve", **environment) as slow:
        machine = await machine_of(database, company, company.engineer, tmp_path, slow.url)
        ended = machine.push(many(machine.home / "logs", 5), "--json")
    assert ended.code == 0, ended.err
    assert ended.json["rows"]["stored"] == 25
    assert "429" in ended.err


async def test_a_key_nobody_knows_is_said_in_a_sentence(machine: Machine) -> None:
    unknown = f"tly_{machine.company.id.hex}_{secrets.token_urlsafe(32)}"
    logs = many(machine.home / "logs", 1)
    assert "does not know this API key" in machine.with_(TALLY_API_KEY=unknown).push(logs).sentence


async def test_another_server_is_no_tally(machine: Machine) -> None:
    logs = many(machine.home / "logs", 1)
    url = machine.terminal.environment["TALLY_URL"]
    assert "404" in machine.with_(TALLY_URL=url + "/elsewhere").push(logs).sentence


async def test_rows_too_old_for_the_account_are_a_note(machine: Machine, client: AsyncClient) -> None:
    settings = {"retention_days": 30}
    await client.patch("/api/v1/account", json=settings, headers=machine.company.admin.headers)
    logs = many(machine.home / "logs", 2)
    report = machine.pushed(logs)
    assert report["rows"]["rejected"] == report["rows"]["reasons"]["too_old"] == report["rows"]["read"] == 10
    assert machine.pushed(logs)["rows"]["read"] == 0
    again = many(machine.home / "more", 1)
    assert "5 rows are older than the account keeps and were not taken." in machine.push(again).out


async def test_rejected_rows_are_said_and_come_again(machine: Machine) -> None:
    good, bad = machine.home / "good.jsonl", machine.home / "bad.jsonl"
    tomorrow = f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=1):%Y-%m-%d}".encode()
    good.write_bytes(session(1))
    bad.write_bytes(session(2).replace(b"2026-03-01", tomorrow))
    ended = machine.push(good, bad, "--json")
    assert ended.code == 1
    assert ended.json["rows"]["reasons"] == {"future": 5}
    (failure,) = ended.json["failures"]
    assert failure["file"] == str(bad)
    assert "clock" in failure["reason"]
    bad.write_bytes(session(2))
    assert machine.pushed(good, bad)["files"] == {
        "found": 2, "pushed": 1, "unchanged": 1, "no_session_log": 0, "failed": 0, "left": 0,
    }  # fmt: skip


async def test_sessions_of_another_member_are_not_ones_own(
    machine: Machine, server: Running, database: Database, company: Company, tmp_path: Path
) -> None:
    logs = many(machine.home / "logs", 1)
    machine.pushed(logs)
    (tmp_path / "other").mkdir()
    other = await machine_of(database, company, company.viewer, tmp_path / "other", server.url)
    ended = other.push(logs)
    assert ended.code == 1
    assert "another member" in ended.err


async def test_a_revoked_key_ends_it(machine: Machine, client: AsyncClient) -> None:
    key_id, key = await create_key(machine.database, machine.person.id, "other")
    logs = many(machine.home / "logs", 1)
    other = machine.with_(TALLY_API_KEY=key.text)
    other.pushed(logs)
    gone = await client.delete(f"/api/v1/keys/{key_id}", headers=machine.person.headers)
    assert gone.is_success
    assert "revoked" in other.push(logs).sentence


def test_a_private_ca_is_trusted_where_it_is_named(machine: Machine, server: Running) -> None:
    logs = many(machine.home / "logs", 1)
    with tls(server.url, machine.home) as (url, authority):
        beyond = machine.with_(TALLY_URL=url)
        assert "SSL_CERT_FILE" in beyond.push(logs).sentence
        assert beyond.with_(SSL_CERT_FILE=str(authority)).pushed(logs)["rows"]["stored"] == 5


def test_a_proxy_is_gone_through_and_sees_nothing_that_was_said(machine: Machine) -> None:
    logs = machine.home / "log.jsonl"
    logs.write_bytes(session(1, text="the merger of Acme and Globex"))
    with proxy() as (url, seen):
        behind = machine.with_(HTTP_PROXY=url, http_proxy=url, NO_PROXY="")
        assert behind.pushed(logs)["rows"]["stored"] == 5
        # On a slow machine the server is told twice: of the file, and that this was all.
        assert list(dict.fromkeys(path for _, path, _ in seen)) == [
            "/api/v1/auth/token",
            "/api/v1/sync/manifest",
            "/api/v1/ingest/batches",
            "/api/v1/sync/pushes",
        ]
        assert b"msg_1_0" not in b"".join(body for *_, body in seen)  # the call's own id comes first
        assert b"req_1_0" in b"".join(body for *_, body in seen)
        assert not any(b"merger" in body for *_, body in seen)


def test_a_proxy_before_a_server_with_a_private_ca_passes_on_what_it_cannot_read(
    machine: Machine, server: Running
) -> None:
    logs = many(machine.home / "logs", 1)
    with tls(server.url, machine.home) as (url, authority), proxy() as (via, seen):
        behind = machine.with_(TALLY_URL=url, HTTPS_PROXY=via, https_proxy=via, NO_PROXY="")
        assert "SSL_CERT_FILE" in behind.push(logs).sentence
        assert behind.with_(SSL_CERT_FILE=str(authority)).pushed(logs)["rows"]["stored"] == 5
    assert {(method, path) for method, path, _ in seen} == {("CONNECT", url.removeprefix("https://"))}


def test_a_proxy_that_is_down_is_named(machine: Machine) -> None:
    down = f"http://127.0.0.1:{free_port()}"
    behind = machine.with_(HTTP_PROXY=down, http_proxy=down, NO_PROXY="")
    logs = many(machine.home / "logs", 1)
    said = (
        f"Nothing answers at {machine.terminal.environment['TALLY_URL']}, asked for through the proxy {down}: see HTTP_"
    )
    assert said in behind.push(logs, "--patience", 0).sentence
    odd = machine.with_(HTTP_PROXY="odd://x", http_proxy="odd://x", NO_PROXY="")
    assert "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY" in odd.push(logs).sentence
    assert httpx.get(machine.terminal.environment["TALLY_URL"] + "/health/live").is_success


@pytest.mark.parametrize(("held", "said"), [(None, "is not there"), ("garbage", "holds no certificates")])
def test_a_ca_that_cannot_be_used_is_named_and_a_dry_run_does_without(
    machine: Machine, held: str | None, said: str
) -> None:
    logs, authority = many(machine.home / "logs", 1), machine.home / "ca.pem"
    if held:
        authority.write_text(held)
    beyond = machine.with_(SSL_CERT_FILE=str(authority))
    sentence = beyond.push(logs).sentence
    assert f"{authority}, which SSL_CERT_FILE names, {said}" in sentence
    dry = beyond.push(logs, "--dry-run")
    assert (dry.code, dry.err) == (0, "")
    assert "1 found: 1 to push" in dry.out
    assert sentence in dry.out


def test_an_address_with_a_user_in_it_is_refused(machine: Machine) -> None:
    logs = many(machine.home / "logs", 1)
    ended = machine.push(logs, "--url", machine.terminal.environment["TALLY_URL"].replace("//", "//ada:secret@"))
    assert ended.code == 2
    assert "must name no user" in ended.err
    assert "secret" not in ended.err
