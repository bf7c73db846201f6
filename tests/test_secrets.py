"""What looks like a secret does not leave; what is none stays, so that everything still counts the same."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.secrets import named, redacted, suspicious
from tests.transcripts.corpus import Tree, each_tree
from tests.transcripts.merged import Merged
from tests.transcripts.reading import read

A40 = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5lM7n"
# Written in parts, so that nobody who looks for secrets in this repository finds any.
SECRETS = {
    "anthropic": "sk-" + "ant-api03-" + A40,
    "openai": "sk-" + "proj-" + A40,
    "openai, old": "sk-" + A40,
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "github": "gh" + "p_" + A40[:36],
    "github, new": "github_" + "pat_11AAAAAAA0" + A40,
    "gitlab": "glpat" + "-" + A40[:20],
    "slack": "xox" + "b-1234567890-" + A40[:20],
    "google": "AIza" + "SyA" + A40[:32],
    "stripe": "sk_" + "live_" + A40[:24],
    "hugging face": "hf" + "_" + A40[:34],
    "npm": "npm" + "_" + A40[:36],
    "tally": "tly_" + "01" * 16 + "_" + A40 + "abc",
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + A40,
    "twilio": "SK" + "0123456789abcdef" * 2,
    "discord": "MTA4NTU2" + "Nzg5MDEyMzQ1Njc4.GaB3dE." + A40[:38],
}
KEY = f"-----BEGIN RSA {'PRIVATE'} KEY-----\nMIIEpAIBAAKCAQEA{A40}\n{A40}==\n-----END RSA {'PRIVATE'} KEY-----"
AROUND = ["{}", 'the key is "{}".', "KEY={}\nNEXT=1", "'{}'", "a\t{}\n", "({})"]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("around", AROUND)
def test_a_key_goes_and_what_is_around_it_stays(secret: str, around: str) -> None:
    for levels in range(3):  # JSON in a text in JSON, as tools write it
        text = around.format(secret)
        for _ in range(levels + 1):
            text = json.dumps(text)
        assert suspicious(text.encode())
        clean, found = redacted(text.encode())
        assert found == 1
        told = clean.decode()
        for _ in range(levels + 1):
            told = json.loads(told)
        assert told == around.format("[redacted]")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"before {KEY} after", "before [redacted] after"),
        (f"{KEY}\n{KEY}", "[redacted]\n[redacted]"),
        ("Authorization: Bearer " + A40, "Authorization: Bearer [redacted]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted]"),
        ("postgresql://ada:s3cret@db/tally", "postgresql://ada:[redacted]@db/tally"),
        ("AWS_SECRET_ACCESS_KEY=" + A40, "AWS_SECRET_ACCESS_KEY=[redacted]"),
        ('{"password": "hunter2hunter"}', '{"password": "[redacted]"}'),
        ("export API_KEY='abc123def456'", "export API_KEY='[redacted]'"),
        ('export DB_PASSWORD="hunter2hunter"', 'export DB_PASSWORD="[redacted]"'),
        ('"secret" => "hunter2hunter"', '"secret" => "[redacted]"'),
        ("password: `hunter2hunter`", "password: `[redacted]`"),
        ('{"password": "hunt,er2;(hunter)"}', '{"password": "[redacted]"}'),
        (json.dumps({"password": "hun\"ter\\2'hunter"}), '{"password": "[redacted]"}'),
        (
            json.dumps([{"name": "DB_PASSWORD", "value": "hunter2hunter"}], indent=2),
            json.dumps([{"name": "DB_PASSWORD", "value": "[redacted]"}], indent=2),
        ),
        ('{"Authorization": "Basic dXNlcjpwYXNz"}', '{"Authorization": "Basic [redacted]"}'),
        ("Cookie: sid=hunter2; theme=dark\nHost: a", "Cookie: [redacted]\nHost: a"),
        ('{"Set-Cookie": ["sid=hunter2; Path=/; HttpOnly"]}', '{"Set-Cookie": ["[redacted]"]}'),
        (f"https://hooks.slack.com\\/services\\/T0\\/{A40[:9]}", "https://[redacted]"),
    ],
)
def test_what_makes_a_secret_of_a_word_stays(text: str, clean: str) -> None:
    """However many times over it is JSON in a text of JSON."""
    for levels in range(1, 6):
        assert told(redacted(nested(text, levels))[0], levels) == clean


def nested(text: str, levels: int) -> bytes:
    for _ in range(levels):
        text = json.dumps(text)
    return text.encode()


def told(written: bytes, levels: int) -> str:
    text = written.decode()
    for _ in range(levels):
        text = json.loads(text)
    return text


PASSWORDS = [
    "{{'password': '{}'}}", '{{"password": "{}"}}', 'export DB_PASSWORD="{}"', "password={}", "api_key: {}",
    "Cookie: a={}", "Authorization: Basic {}", "Authorization: Bearer {}", "https://ada:{}@example.com/",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_nothing_of_a_secret_is_left_however_deep_it_lies(data: st.DataObject) -> None:
    """And the line is still JSON. Between every two levels there may be more beside it."""
    if data.draw(st.booleans()):
        secret = data.draw(st.sampled_from(list(SECRETS.values())))
        text = data.draw(st.sampled_from(AROUND)).format(secret)
    else:
        middle = data.draw(st.text("abcdefghijkmnpqrstuvwxyzABCDEFGH123456789", min_size=16, max_size=40))
        secret = f"a7{middle}"
        text = data.draw(st.sampled_from(PASSWORDS)).format(secret)
    beside = st.sampled_from(["", '"', "\\", "it's", '{"a": "', "\n", "é", "` ", "key=", '"password": "'])
    for _ in range(data.draw(st.integers(0, 4))):
        before, after = data.draw(beside), data.draw(beside)
        text = json.dumps({"before": before, "text": text, "after": [after]})
    line = json.dumps({"text": text}).encode()
    clean, found = redacted(line)
    assert found
    assert secret.encode() not in clean
    json.loads(clean)


PIECES = [
    "password", '": "', "\\", '"', "'", "`", "a1b2c3d4", "\n", ": ", "=", ", ", "cookie", "u0067", "\x1b",
]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.integers(1, 4))
def test_what_was_json_stays_json(text: str, levels: int) -> None:
    line = nested(text, levels)
    json.loads(redacted(b'{"a": %b, "b": {"password": [1, null, %b], "c": true}}' % (line, line))[0])


@pytest.mark.parametrize("levels", range(1, 6))
def test_a_secret_spelled_in_escapes_is_one(levels: int) -> None:
    line = nested(SECRETS["github"], levels).replace(b"g", b"\\" * 2 ** (levels - 1) + b"u0067")
    assert told(line, levels) == SECRETS["github"]
    assert redacted(line) == (nested("[redacted]", levels), 1)
    other = nested("nothing", levels).replace(b"g", b"\\" * 2 ** (levels - 1) + b"u0067")
    assert redacted(other) == (other, 0)


HEAVY = [
    b"sk-", b"eyJ-", b"eyJaaaaaaaa-", b"password=", b'password=\\"', b"\\", b"a", b"M-", b"SK", b"SG.", b"bearer ", b"://a:",
    b":\\\\", b"cookie: a=b", b"cookie=", b"\\u0067", b'\\"', b'password: "a1\\\\\\"', b"hooks.slack.com/a/",
    b'\\"DB_PASSWORD\\", \\"value\\": ', b"-----BEGIN PRIVATE KEY-----", b"password" + b"\\" * 30, b'password: "a1\\\\',
    b'"api_token": "abcd1234efgh", ', b"authorization: basic ", b"MTA4NTU2Nzg5MDEyMzQ1Njc4.",
]  # fmt: skip


@pytest.mark.parametrize("piece", HEAVY)
def test_a_long_line_takes_as_long_as_it_is(piece: bytes) -> None:
    """Three megabytes in seconds; what looked at the rest from each place would take hours."""
    began = time.process_time()
    redacted(piece * (3 * 2**20 // len(piece)))
    redacted(b"-----BEGIN PRIVATE KEY-----" + piece * (2**19 // len(piece)))
    assert time.process_time() - began < 15


def test_a_key_that_is_cut_goes_as_far_as_it_is_there() -> None:
    clean, found = redacted(json.dumps({"text": KEY[:120], "usage": {"output_tokens": 7}}).encode())
    assert found == 1
    assert json.loads(clean) == {"text": "[redacted]", "usage": {"output_tokens": 7}}


@pytest.mark.parametrize(
    "text",
    [
        "toolu_01A09q90qw90lq917835lq9",
        "msg_01XFDUDYJgAACzvnptvVoYEL",
        "req_011CRp7K8pMTgs6oNk7vD1hn",
        "019c8a4c-ed82-79a1-aa28-7738fc5ab61a",
        "/home/ada/disk-encryption-of-20-machines-task-0123456789",
        'the password: string, the api_key = os.environ["API_KEY"]',
        "max_tokens: 4096, output_tokens: 1234567890",
        "https://example.com:8080/a@b and git@github.com:org/repo.git",
        "claude-opus-4-5-20251101",
        "bearer of bad news",
        "SK0123456789abcdef0123456789abcdef01 and aSK0123456789abcdef0123456789abcdef",
        "eat a cookie: they are good, cookies=3",
        "com.example.MavenProjectTestResources.abcdef.long",
        '{"type": "password", "value": "text", "token": null}',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    written = json.dumps({"text": text}).encode()
    assert redacted(written) == (written, 0)


@each_tree
def test_a_redacted_log_counts_what_the_log_counts(tree: Tree) -> None:
    """With a secret in every text of it."""
    poison = f" {SECRETS['anthropic']} {KEY} postgres://u:{A40[:9]}@h ".replace("\n", "\\n").encode()
    for file in tree.files:
        form, whole = tree.form(file), file.read_bytes()
        spoiled = whole.replace(b'"text":"', b'"text":"' + poison)
        clean, found = redacted(spoiled)
        assert found >= 3 * spoiled.count(poison)
        assert b"AIBAAKCAQEA" not in clean
        assert Merged(read(form, clean)) == Merged(read(form, spoiled))


def test_ids_that_are_secrets_stay_apart_and_tell_nothing() -> None:
    one, other = (redacted(s.encode(), named(b"salt"))[0] for s in (SECRETS["openai"], SECRETS["openai"] + "x"))
    assert one != other
    assert one == redacted(SECRETS["openai"].encode(), named(b"salt"))[0]
    assert one != redacted(SECRETS["openai"].encode(), named(b"other salt"))[0]
    assert one.startswith(b"redacted-")
    assert len(one) == 25
