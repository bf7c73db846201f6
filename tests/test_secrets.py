"""What looks like a secret does not leave; what is none stays, so that everything still counts the same."""

import json

import pytest

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
    ],
)
def test_what_makes_a_secret_of_a_word_stays(text: str, clean: str) -> None:
    found = json.loads(redacted(json.dumps(text).encode())[0])
    assert found == clean


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
