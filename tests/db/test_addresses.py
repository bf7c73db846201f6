"""URLs as people write them, for our driver and back."""

import pytest

from app.db.addresses import parse, plain


@pytest.mark.parametrize("mode", ["require", "verify-full", "disable"])
def test_sslmode_is_what_our_driver_calls_ssl(mode: str) -> None:
    url = parse(f"postgres://tally_app:secret@db.example/tally?sslmode={mode}&application_name=x")
    assert dict(url.query) == {"ssl": mode, "application_name": "x"}
    assert plain(url) == f"postgresql://tally_app:secret@db.example/tally?application_name=x&sslmode={mode}"


def test_without_sslmode_nothing_is_added() -> None:
    assert plain(parse("postgresql://tally_app@/tally?host=%2Frun")) == "postgresql://tally_app@/tally?host=%2Frun"
