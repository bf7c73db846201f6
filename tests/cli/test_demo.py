"""tally demo, and what `tally up` loads behind its first answer."""

import json
from uuid import UUID, uuid4

import httpx

from tests.cli.conftest import free_port
from tests.cli.terminal import Running, Terminal

FEW = ("--days", 4)


def token_for(port: int, key: str) -> dict[str, str]:
    door = f"http://127.0.0.1:{port}/api/v1/auth/token"
    return {"Authorization": f"Bearer {httpx.post(door, json={'api_key': key}).json()['access_token']}"}


def test_a_new_account_is_filled_and_told_again_it_is_the_same(beside: Terminal, port: int) -> None:
    first = beside.report("demo", "--account", "new", *FEW)
    assert first["received"] == first["stored"] > 0
    assert (first["unchanged"], first["rejected"]) == (0, 0)
    again = beside.report("demo", "--account", first["account_id"], *FEW)
    if again["until"] == first["until"]:  # ten minutes may have begun in between
        assert (again["received"], again["stored"]) == (first["received"], 0)
    assert again["unchanged"] >= first["stored"] - 60  # sessions that were going on are told of again
    users = httpx.get(f"http://127.0.0.1:{port}/api/v1/users", headers=token_for(port, first["admin_key"])).json()
    assert len(users["rows"]) == 12


def test_friction_has_what_logs_of_several_members_tell_and_told_again_it_is_the_same(
    beside: Terminal, port: int
) -> None:
    first = beside.report("demo", "--account", "new", *FEW)
    address = f"http://127.0.0.1:{port}/api/v1/analytics/friction"
    headers = token_for(port, first["engineer_key"])
    window = {"start_date": first["start_day"], "end_date": first["end_day"]}
    found = httpx.get(address, params=window, headers=headers).json()
    totals = found["totals"]
    assert first["logs"] >= totals["sessions"] >= 10
    assert min(totals[name] for name in ("friction", "interruptions", "retries", "commands")) > 0
    assert len({session["user_id"] for session in found["sessions"]}) > 3
    again = beside.report("demo", "--account", first["account_id"], *FEW)
    if again["until"] == first["until"]:  # ten minutes may have begun in between
        assert again["logs"] == first["logs"]
        assert httpx.get(address, params=window, headers=headers).json()["totals"] == totals


def test_a_member_who_may_not_call_any_more_holds_nothing_up(beside: Terminal, port: int) -> None:
    account = beside.report("demo", "--account", "new", "--days", 1)
    users = httpx.get(f"http://127.0.0.1:{port}/api/v1/users", headers=token_for(port, account["admin_key"])).json()
    beside.report("user", "deactivate", next(user["id"] for user in users["rows"] if user["name"] == "Mateo Rossi"))
    report = beside.report("demo", "--account", account["account_id"], *FEW)
    assert report["logs"] > 0 == report["rejected"]


def test_another_seed_is_another_story_beside_the_first(beside: Terminal) -> None:
    account = beside.report("demo", "--account", "new", "--days", 2)["account_id"]
    other = beside.report("demo", "--account", account, "--days", 2, "--seed", 2)
    assert other["stored"] == other["received"] > 0


def test_without_an_account_it_is_the_demo_account(beside: Terminal, up: Running) -> None:
    noted = json.loads((up.out_file.parent / "data" / "demo.json").read_text())
    report = beside.report("demo", "--days", 1)
    assert report["account_id"] == noted["account"]
    assert report["engineer_key"] == noted["keys"]["engineer"]


def test_an_account_that_is_not_there_is_a_sentence(beside: Terminal) -> None:
    assert "no account with this id" in beside.tally("demo", "--account", uuid4()).sentence
    assert "no account with this id" in beside.tally("demo", "--account", "nonsense").sentence
    assert beside.tally("demo", "--days", 0).code == 2


def test_an_empty_database_gets_a_demo_account_of_its_own(terminal: Terminal) -> None:
    terminal.report("migrate")
    report = terminal.report("demo", "--days", 1)
    assert UUID(report["account_id"])
    assert terminal.report("demo", "--days", 1)["account_id"] == report["account_id"]
    assert len(terminal.report("account", "list")) == 1


def test_up_loads_the_demo_behind_its_first_answer_and_goes_on_where_it_was_stopped(terminal: Terminal) -> None:
    mark = terminal.folder / "data" / "demo-loaded.json"
    with terminal.running("up", "--port", free_port()) as running:
        running.wait_for("Loading the demo data: 2")  # a quarter, more or less: each day has its own rows
        assert "Tally is ready" in running.out
        running.end()
        assert "Traceback" not in running.err
        assert not mark.exists()
    with terminal.running("up", "--port", free_port()) as running:
        running.wait_for("The demo data is loaded")
        assert mark.stat().st_mode & 0o777 == 0o600
        running.end()
    port = free_port()
    with terminal.running("up", "--port", port) as running:
        running.wait_for('"event":"working"')
        report = terminal.report("demo")
        assert report["unchanged"] >= report["received"] - 60
        running.end()
        assert "Loading" not in running.err
