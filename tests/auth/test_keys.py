"""The form of a key."""

import hashlib
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.keys import make, parse


def test_what_is_made_can_be_read() -> None:
    account = uuid4()
    secret = make(account)
    assert parse(secret.text) == secret
    assert secret.account_id == account
    assert secret.sha256 == hashlib.sha256(secret.text.encode()).digest()
    assert len(secret.text.split("_", 2)[2]) == 43, "256 random bits"


@pytest.mark.parametrize(
    "spoil",
    [str.upper, lambda k: k + "\n", lambda k: " " + k, lambda k: k[:-1], lambda k: k + "A", lambda k: k[4:],
     lambda k: k.replace("tly", "tlx"), lambda k: k[:-1] + "é", lambda k: k[:-1] + "٣", lambda _: ""],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_key_is_seen_before_the_database_is_asked(spoil: object) -> None:
    assert parse(spoil(make(uuid4()).text)) is None  # type: ignore[operator]


@given(st.text())
def test_no_text_confuses_the_reader(text: str) -> None:
    assert parse(text) is None
