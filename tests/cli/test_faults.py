"""Whatever a person can get wrong is one sentence on stderr and exit code 1; wrong usage is 2. Never a traceback."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from app.cli.process import listen
from app.db.addresses import BadAddress
from tests.cli.terminal import Running, Terminal
from tests.migrations_linted import alembic

SECRET = "s" * 32


def url(socket_dir: str, role: str = "tally_app", database: str = "tally") -> str:
    return f"postgresql://{role}@/{database}?host={socket_dir}"


@contextmanager
def server_saying(answer: bytes) -> Iterator[int]:
    """Something that takes the first message of a PostgreSQL client and answers this."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_all() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    if client.recv(8)[4:8] == b"\x04\xd2\x16\x2f":  # "TLS?"
                        client.sendall(b"N")
                        client.recv(1000)
                    client.sendall(answer)
                    client.recv(1000)

        threading.Thread(target=answer_all, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def refusing(sqlstate: str) -> bytes:
    return message(b"E", b"SFATAL\0VFATAL\0C" + sqlstate.encode() + b"\0Mno\0\0")


OLD = message(b"R", bytes(4)) + message(b"S", b"server_version\x0017.6\0") + message(b"Z", b"I")
ADDRESSES = [
    ("mysql://x", "is no PostgreSQL URL"),
    ("nonsense", "is no PostgreSQL URL"),
    ("postgresql://tally_app@127.0.0.1:1/tally", "nothing answers at 127.0.0.1:1"),
    ("postgresql://tally_app@nowhere.invalid/tally", "unknown to this machine"),
]


@pytest.mark.parametrize(("address", "sentence"), ADDRESSES)
@pytest.mark.parametrize("command", [("account", "list"), ("migrate",), ("up", "--port", "0")])
def test_a_wrong_address_is_named(terminal: Terminal, command: tuple[str, ...], address: str, sentence: str) -> None:
    assert sentence in terminal.with_(DATABASE_URL=address).tally(*command).sentence


def test_a_wrong_password_is_named_and_not_shown(terminal: Terminal) -> None:
    with server_saying(refusing("28P01")) as port:
        wrong = terminal.with_(DATABASE_URL=f"postgresql://tally_app:hunter2@127.0.0.1:{port}/tally")
        for command in (("account", "list"), ("migrate",), ("doctor",)):
            ended = wrong.tally(*command)
            assert ended.code == 1
            assert "refuses the password of tally_" in ended.out + ended.err
            assert "hunter2" not in ended.out + ended.err


def test_a_server_older_than_18_is_refused(terminal: Terminal) -> None:
    with server_saying(OLD) as port:
        old = terminal.with_(DATABASE_URL=f"postgresql://tally_app@127.0.0.1:{port}/tally")
        assert "PostgreSQL 17 is too old, Tally needs 18 or newer." in old.tally("migrate").sentence
        for command in (("upgrade", "head"), ("check",)):
            refused = alembic(*command, **old.environment)
            assert refused.returncode != 0
            assert refused.stdout.startswith("FAILED: MIGRATION_DATABASE_URL: PostgreSQL 17 is too old")
            assert "Traceback" not in refused.stderr


def test_a_missing_database_is_named(beside: Terminal, socket_dir: str) -> None:
    wrong = beside.with_(DATABASE_URL=url(socket_dir, database="nothing"))
    assert 'there is no database "nothing"' in wrong.tally("account", "list").sentence


def test_a_role_that_row_level_security_does_not_bind_is_refused(beside: Terminal, socket_dir: str) -> None:
    superuser = beside.with_(DATABASE_URL=url(socket_dir, "postgres"), TALLY_JWT_SECRET=SECRET)
    for command in (("account", "list"), ("serve", "--port", "0"), ("up", "--port", "0", "--no-demo")):
        assert "use the role tally_app" in superuser.tally(*command).sentence


def test_a_schema_not_migrated_says_so(beside: Terminal, terminal: Terminal, socket_dir: str) -> None:
    empty = terminal.with_(DATABASE_URL=url(socket_dir, database="postgres"), TALLY_JWT_SECRET=SECRET)
    for command in (("account", "list"), ("serve", "--port", "0"), ("worker",)):
        assert empty.tally(*command).sentence.endswith("run `tally migrate`.")


def test_a_role_that_may_not_migrate_is_told(beside: Terminal, socket_dir: str) -> None:
    poor = beside.with_(
        DATABASE_URL=url(socket_dir), MIGRATION_DATABASE_URL=url(socket_dir, "tally_app", database="postgres")
    )
    assert "migrations need a role that may create roles" in poor.tally("migrate").sentence


def test_serve_refuses_without_sign_in(terminal: Terminal) -> None:
    address = "postgresql://tally_app@127.0.0.1:1/tally"
    sentence = terminal.with_(DATABASE_URL=address).tally("serve").sentence
    assert "TALLY_JWT_SECRET" in sentence
    assert "TALLY_JWKS_URL" in sentence


def test_serve_refuses_without_a_database(terminal: Terminal) -> None:
    assert "DATABASE_URL is not set" in terminal.with_(TALLY_JWT_SECRET=SECRET).tally("serve").sentence


def test_serve_waits_for_a_database_that_is_away(terminal: Terminal) -> None:
    address = "postgresql://tally_app@127.0.0.1:1/tally"
    waiting = terminal.with_(DATABASE_URL=address, TALLY_JWT_SECRET=SECRET)
    with waiting.running("serve", "--port", 0) as running:
        running.wait_for("Going on without")
        running.wait_for("database away")
        running.end()
        assert "Traceback" not in running.err


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("TALLY_JWT_SECRET", "hunter2", "TALLY_JWT_SECRET is too short: it needs at least 32 characters."),
        ("TALLY_PORT", "eighty", "TALLY_PORT: input should be a valid integer"),
        ("TALLY_PORT", "70000", "TALLY_PORT: input should be less than or equal to 65535"),
        ("TALLY_LOG_LEVEL", "loud", "TALLY_LOG_LEVEL: input should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_bad_setting_is_named_without_its_value(terminal: Terminal, name: str, value: str, sentence: str) -> None:
    found = terminal.with_(**{name: value}).tally("account", "list").sentence
    assert sentence in found
    assert "hunter2" not in found


def test_settings_that_are_no_text_are_named(terminal: Terminal) -> None:
    (terminal.folder / ".env").write_bytes(b"TALLY_HOST=caf\xe9\n")
    for command in (("account", "list"), ("doctor",), ("serve",), ("up",)):
        assert terminal.tally(*command).sentence == ".env is not UTF-8 text: save it as UTF-8."


def test_of_two_who_start_at_once_the_second_is_told_at_once() -> None:
    """Not only when the first one answers: until then it has a database to start."""
    with closing(listen("127.0.0.1", 0)) as first, pytest.raises(BadAddress, match="choose another"):
        listen("127.0.0.1", first.getsockname()[1])


def test_a_port_that_is_taken_is_named(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = terminal.tally("up", "--port", port).sentence
    assert f"127.0.0.1:{port}" in sentence
    assert not (terminal.folder / "data").exists()


def test_a_second_up_on_the_directory_names_the_first(beside: Terminal, up: Running, port: int) -> None:
    for other_port in (port, 0):
        sentence = beside.tally("up", "--port", other_port).sentence
        assert f"pid {up.process.pid} already runs" in sentence


def test_a_data_directory_that_cannot_be_used_is_named(terminal: Terminal) -> None:
    file = terminal.folder / "file"
    file.touch()
    for place in (file, file / "below", Path("/proc/tally")):
        wrong = terminal.with_(TALLY_DATA_DIR=str(place))
        assert str(place.parent) in wrong.tally("account", "list").sentence


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_data_directory_of_somebody_else_is_named(terminal: Terminal) -> None:
    terminal.report("migrate")
    (terminal.folder / "data").chmod(0)
    try:
        assert "closed to this user" in terminal.tally("account", "list").sentence
    finally:
        (terminal.folder / "data").chmod(0o700)


def test_ids_that_nobody_has_are_one_sentence(beside: Terminal) -> None:
    nobody = uuid4()
    assert "no account" in beside.tally("user", "add", "x@y.example", "--account", nobody).sentence
    assert "no member" in beside.tally("user", "role", nobody, "viewer").sentence
    assert "no member" in beside.tally("user", "deactivate", nobody).sentence
    assert "no member" in beside.tally("key", "create", "--user", nobody).sentence
    assert "no such key" in beside.tally("key", "revoke", nobody, "--account", nobody).sentence
    assert "no member" in beside.tally("token", nobody).sentence


def test_values_out_of_rule_are_one_sentence(beside: Terminal) -> None:
    account = beside.report("account", "create", "Acme")["id"]
    assert "IANA time zone" in beside.tally("account", "create", "Acme", "--timezone", "Nowhere").sentence
    assert beside.tally("account", "create", "").sentence.startswith("Name:")
    assert beside.tally("user", "add", "no-address", "--account", account).sentence.startswith("E-mail:")
    beside.report("user", "add", "ada@acme.example", "--account", account)
    assert "already" in beside.tally("user", "add", "ada@acme.example", "--account", account).sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("user",),
        ("account", "list", "--nope"),
        ("user", "role", "no-uuid", "viewer"),
        ("user", "role", str(uuid4()), "king"),
        ("token", str(uuid4()), "--seconds", "0"),
        ("up", "--port", "70000"),
    ],
)
def test_wrong_usage_is_exit_code_2(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    ended = terminal.tally(*arguments)
    assert ended.code == 2
    assert "Usage: tally" in ended.out + ended.err
    assert "Traceback" not in ended.err
