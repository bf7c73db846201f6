"""tally doctor."""

import os
import shutil
from pathlib import Path

import pytest

from app import __version__
from app.settings import Settings
from tests.cli.terminal import Terminal

SECRET = "correct-horse-battery-staple-2026"


def test_doctor_works_with_nothing_running_and_makes_nothing(terminal: Terminal) -> None:
    report = terminal.report("doctor")
    assert report["tally"] == __version__
    assert report["postgresql"].startswith("not made yet")
    assert not (terminal.folder / "data").exists()


def test_doctor_shows_every_knob_with_default_and_meaning(terminal: Terminal) -> None:
    knobs = {knob["setting"]: knob for knob in terminal.with_(TALLY_PORT="8123").report("doctor")["settings"]}
    assert set(knobs) == {field.alias for field in Settings.model_fields.values()}
    assert all(knob["meaning"] for knob in knobs.values())
    assert (knobs["TALLY_PORT"]["value"], knobs["TALLY_PORT"]["default"]) == ("8123", "8000")
    assert knobs["TALLY_JWT_ALGORITHMS"]["default"] == ""


def test_doctor_hides_secrets_and_passwords(terminal: Terminal) -> None:
    address = "postgresql://tally_app:hunter2@127.0.0.1:1/tally"
    guarded = terminal.with_(
        DATABASE_URL=address, TALLY_JWT_SECRET=SECRET, TALLY_JWKS_URL="https://me:hunter2@idp.example/keys"
    )
    for arguments in (("doctor",), ("doctor", "--json")):
        ended = guarded.tally(*arguments)
        assert ended.code == 1
        assert "nothing answers at 127.0.0.1:1" in ended.out
        assert "hidden" in ended.out
        assert SECRET not in ended.out
        assert "hunter2" not in ended.out


def test_doctor_names_the_server_and_its_accounts(beside: Terminal) -> None:
    beside.report("account", "create", "Acme")
    report = beside.report("doctor")
    assert report["postgresql"].startswith("18.")
    assert report["schema"] == "there"
    assert report["accounts"] >= 2
    assert report["sign-in"] == "by the data directory's own secret, for `tally up` alone"
    assert beside.with_(TALLY_JWT_SECRET=SECRET).report("doctor")["sign-in"] == "ready"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_doctor_tells_where_a_cluster_lies_that_is_elsewhere(terminal: Terminal) -> None:
    terminal.folder.chmod(0o700)
    terminal.report("migrate")
    cluster = Path(terminal.report("doctor")["cluster"])
    try:
        assert cluster.parent.name == (terminal.folder / "data" / "place").read_text().strip()
        assert (cluster / "PG_VERSION").exists()
    finally:
        shutil.rmtree(cluster.parent)


def test_doctor_warns_of_weak_settings(terminal: Terminal) -> None:
    weak = terminal.with_(TALLY_HOST="0.0.0.0", TALLY_RATE_LIMIT="0", TALLY_CORS_ORIGINS="*").report("doctor")["weak"]
    assert len(weak) == 5
    text = " ".join(weak)
    for word in ("sign-in", "every address", "rate limit", "Any web page", "embedded"):
        assert word in text
