"""Each command that reports, beside a running `tally up`."""

from uuid import uuid4

import httpx
import jwt

from tests.cli.terminal import Running, Terminal


def test_an_account_is_founded_to_the_first_answer(beside: Terminal, up: Running, port: int) -> None:
    account = beside.report("account", "create", "Acme Ltd", "--timezone", "Europe/Berlin")
    assert account["name"] == "Acme Ltd"
    assert account["timezone"] == "Europe/Berlin"
    user = beside.report("user", "add", "ada@acme.example", "--account", account["id"], "--role", "owner")
    token = beside.report("token", user["id"])["access_token"]
    me = httpx.get(f"http://127.0.0.1:{port}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 200, me.text
    assert (me.json()["id"], me.json()["account_role"]) == (user["id"], "owner")


def test_accounts_are_listed(beside: Terminal) -> None:
    name = f"Company {uuid4().hex[:8]}"
    account = beside.report("account", "create", name)
    assert account["id"] in {row["id"] for row in beside.report("account", "list")}
    assert name in beside.tally("account", "list").out


def test_a_role_changes_and_a_member_is_shut_out(beside: Terminal) -> None:
    account = beside.report("account", "create", "Acme")["id"]
    user = beside.report("user", "add", "emil@acme.example", "--account", account)
    assert user["account_role"] == "viewer"
    changed = beside.report("user", "role", user["id"], "admin")
    assert changed["account_role"] == "admin"
    assert "role" not in changed
    assert beside.report("user", "deactivate", user["id"])["active"] is False
    assert "not active" in beside.tally("key", "create", "--user", user["id"]).sentence
    assert "not active" in beside.tally("token", user["id"]).sentence


def test_the_last_owner_stays(beside: Terminal) -> None:
    account = beside.report("account", "create", "Acme")["id"]
    owner = beside.report("user", "add", "olga@acme.example", "--account", account, "--role", "owner")
    assert "last owner" in beside.tally("user", "role", owner["id"], "viewer").sentence


def test_a_key_works_until_it_is_revoked(beside: Terminal, port: int) -> None:
    account = beside.report("account", "create", "Acme")["id"]
    user = beside.report("user", "add", "bot@acme.example", "--account", account)
    key = beside.report("key", "create", "--user", user["id"], "--name", "nightly")
    door = f"http://127.0.0.1:{port}/api/v1/auth/token"
    assert httpx.post(door, json={"api_key": key["api_key"]}).status_code == 200
    assert beside.report("key", "revoke", key["id"], "--account", account)["revoked_at"]
    assert httpx.post(door, json={"api_key": key["api_key"]}).status_code == 401


def test_what_the_operator_changes_is_on_the_account_s_record(beside: Terminal, up: Running, port: int) -> None:
    account = beside.report("account", "create", "Acme")["id"]
    owner, other = (
        beside.report("user", "add", f"{n}@acme.example", "--account", account, "--role", "owner")["id"] for n in "ab"
    )
    key = beside.report("key", "create", "--user", other)["id"]
    beside.report("key", "revoke", key, "--account", account)
    beside.report("user", "role", other, "engineer")
    beside.report("user", "erase", other)
    beside.report("rollups", "rebuild", "--account", account)
    beside.report("retention", "apply", "--account", account)
    beside.report("retention", "apply", "--account", account, "--dry-run")
    beside.report("prices", "reprice", "--account", account, "--since", "2026-03-01", "--until", "2026-04-01")
    token = beside.report("token", owner)["access_token"]
    answer = httpx.get(
        f"http://127.0.0.1:{port}/api/v1/admin/audit", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    rows = answer.json()["rows"][::-1]
    assert [(row["action"], row["resource"]) for row in rows] == [
        ("account.create", account),
        ("user.create", owner),
        ("user.create", other),
        ("key.create", key),
        ("key.revoke", key),
        ("user.change", other),
        ("user.erase", other),
        ("rollups.rebuild", None),
        ("retention.apply", None),
        ("prices.reprice", None),
    ]
    assert {(row["user_id"], row["client_kind"]) for row in rows} == {(None, "cli")}
    assert [rows[n]["parameters"] for n in (4, 5)] == [{"user_id": other}, {"account_role": "engineer"}]


def test_a_token_lives_as_long_as_asked(beside: Terminal) -> None:
    account = beside.report("account", "create", "Acme")["id"]
    user = beside.report("user", "add", "ada@acme.example", "--account", account)["id"]
    signed = beside.report("token", user, "--seconds", 600)
    claims = jwt.decode(signed["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == signed["expires_in"] == 600
    assert claims["sub"] == user


def test_migrating_again_changes_nothing(beside: Terminal) -> None:
    first, second = beside.report("migrate"), beside.report("migrate")
    assert first == second
    assert first["schema"] == "up to date"
    assert first["revision"]


def test_data_dir_may_be_said_on_the_command_line(beside: Terminal, terminal: Terminal) -> None:
    elsewhere = beside.environment["TALLY_DATA_DIR"]
    name = f"Company {uuid4().hex[:8]}"
    terminal.report("account", "create", name, "--data-dir", elsewhere)
    assert name in {row["name"] for row in beside.report("account", "list")}
    assert not (terminal.folder / "data").exists()


def test_a_slip_in_the_directory_makes_no_database(terminal: Terminal) -> None:
    for command in (
        ("account", "list"),
        ("user", "deactivate", str(uuid4())),
        ("rollups", "verify"),
        ("worker",),
        ("demo",),
    ):
        sentence = terminal.tally(*command, "--data-dir", "tipo").sentence
        assert sentence.startswith(f"There is no database in {terminal.folder / 'tipo'}:")
    for again in (("account", "list"), ("up",)):
        refused = terminal.tally(*again, "--data-dir", "")
        assert (refused.code, "name a directory" in refused.err) == (2, True)
    assert list(terminal.folder.iterdir()) == []


def test_what_makes_no_sense_is_refused(beside: Terminal) -> None:
    assert "must not be blank" in beside.tally("account", "create", " ").sentence
    assert beside.tally("account", "create", "Acme", "--timezone", "Mars/Base").sentence.startswith("Time zone: must")
    backwards = beside.tally("prices", "reprice", "--since", "2026-04-01", "--until", "2026-03-01")
    assert (backwards.code, "after --since" in backwards.err) == (2, True)


def test_commands_start_the_server_themselves_when_nothing_runs(terminal: Terminal) -> None:
    assert terminal.report("migrate")["schema"] == "up to date"
    account = terminal.report("account", "create", "Acme")
    assert [row["id"] for row in terminal.report("account", "list")] == [account["id"]]
    assert not (terminal.folder / "data" / "postgres" / "postmaster.pid").exists()


def test_no_account_yet_says_what_to_do(terminal: Terminal) -> None:
    terminal.report("migrate")
    assert terminal.tally("account", "list").out == "No account yet: tally account create NAME.\n"
    assert terminal.report("account", "list") == []
