"""URLs as people write them, for our driver and back."""

import pytest
from sqlalchemy import make_url

from app.db.addresses import BadAddress, parse, plain


@pytest.mark.parametrize("mode", ["require", "verify-full", "disable"])
@pytest.mark.parametrize("name", ["sslmode", "ssl"])
def test_either_spelling_of_sslmode_is_everybodys(name: str, mode: str) -> None:
    url = plain(parse(f"postgres://tally_app:secret@db.example/tally?{name}={mode}&application_name=x"))
    assert make_url(url).query == {"sslmode": mode, "application_name": "x"}
    assert url.startswith("postgresql://tally_app:secret@db.example/tally?")


def test_a_mode_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadAddress, match="write one of disable, allow, prefer, require, verify-ca, verify-full"):
        parse("postgresql://tally_app@db.example/tally?sslmode=verify_full")


def test_what_only_libpq_reads_never_reaches_the_server() -> None:
    assert plain(parse("postgresql://a@b/c?connect_timeout=5&keepalives=1&user=d")) == "postgresql://a@b/c?user=d"


def test_without_sslmode_nothing_is_added() -> None:
    assert plain(parse("postgresql://tally_app@/tally?host=%2Frun")) == "postgresql://tally_app@/tally?host=%2Frun"
