"""What looks like a secret, and its place without it.

It works on the text of JSON as it stands, so the patterns take no quotes and no backslashes but those of whole escapes:
what was JSON stays JSON. A tool's answer is often JSON in a text of JSON, several times over, and each time a quote has
more backslashes before it: how many is never counted on. Ids of calls, tools and sessions have none of these forms.

Lines are long and written by strangers: whatever may fail looks ahead a bounded way, and gives nothing back.
"""

import hmac
import re
from collections.abc import Callable
from typing import NamedTuple

PLACE = b"[redacted]"
# A word begins here; after \n and the like of JSON as well, whose letter is no part of it.
BEGIN = rb"(?:(?<![0-9A-Za-z])|(?<=\\[nrtbf]))"
# Where a value without quotes ends: at a blank, a quote, an escape.
FENCE = rb"\s\x00-\x20\"'\\`<>(){}\[\],;&"
QUOTE = rb"\\*+[\"'`]"
GAP = rb"(?:\x20|\\++[nrt]){0,100}+"
# Between a name and its value; or as lists of variables have it: {"name": "DB_PASSWORD", "value": "..."}.
IS = rb"(?:%b)?+(?:%b,%b%bvalue%b)?+\x20{0,4}+(?:=>|:=|[:=])\x20{0,4}+" % (QUOTE, GAP, GAP, QUOTE, QUOTE)
# What may stand between a quote and the one that ends it; of quotes those of more backslashes, an odd number: an even
# one would be escaped backslashes, and the quote after them the end of everything.
INSIDE = (
    rb"(?:[^\s\x00-\x20\"'`\\%b]|(?!(?P=mark))['`]|\\++[^\s\x00-\x20\"'`\\%b]|(?=(?P=level)\\)\\(?:\\\\)*+[\"'`])"
)  # fmt: skip
QUOTED = (
    rb"(?P<level>\\*+)(?P<mark>[\"'`])(?![,:}\]]|\\++[nrt])"
    rb"(?=%b{0,200}+\\*+[0-9])(?=%b{0,200}+\\*+[A-Za-z])(?P<secret>%b{8,}+)(?=(?P=level)(?P=mark))"
) % (INSIDE % (b"0-9", b"0-9"), INSIDE % (b"A-Za-z", b"A-Za-z"), INSIDE % (b"", b""))  # fmt: skip
BARE = (
    rb"(?:%b)?+(?=[^%b0-9]{0,200}+[0-9])(?=[^%bA-Za-z]{0,200}+[A-Za-z])(?P<bare>[^%b]{8,}+)"
) % (QUOTE, FENCE, FENCE, FENCE)  # fmt: skip
HEADER = rb"(?:%b)?+\x20{0,4}+[:=]\x20{0,4}+(?:\[\x20?+)?+(?:%b)?+" % (QUOTE, QUOTE)
# Letters that somebody wrote as \u0067, at any level.
SPELLED = re.compile(
    rb"(?<!\\)(?:\\|\\\\|\\{4}|\\{8}|\\{16})u00(2[de]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])", re.IGNORECASE
)


class Pattern(NamedTuple):
    """`words`: one of them, in lower case, is in whatever the form matches."""

    words: tuple[bytes, ...]
    form: re.Pattern[bytes]


def key(*forms: bytes) -> re.Pattern[bytes]:
    return re.compile(BEGIN + rb"(?:" + rb"|".join(forms) + rb")")


PATTERNS = (
    Pattern((b"sk-",), key(rb"sk-ant-[\w-]{16,}", rb"sk-(?=[A-Za-z_-]{0,200}+[0-9])[A-Za-z0-9_-]{20,}")),
    Pattern((b"akia", b"asia", b"abia", b"acca"), key(rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b")),
    Pattern(
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        key(rb"gh[pousr]_[A-Za-z0-9]{30,}", rb"github_pat_\w{22,}"),
    ),
    Pattern((b"glpat-", b"gldt-", b"glrt-"), key(rb"gl(?:pat|dt|rt)-[\w-]{20,}")),
    Pattern((b"xox", b"xapp-"), key(rb"xox[a-z]-[\w-]{10,}", rb"xapp-[\w-]{10,}")),
    Pattern((b"hooks.slack.com",), key(rb"hooks\.slack\.com(?:\\*+/[\w-]+){3,}")),
    Pattern((b"aiza", b"ya29.", b"gocspx-"), key(rb"AIza[\w-]{35}", rb"ya29\.[\w-]{20,}", rb"GOCSPX-[\w-]{20,}")),
    Pattern((b"_live_", b"_test_", b"whsec_"), key(rb"[spr]k_(?:live|test)_\w{16,}", rb"whsec_\w{20,}")),
    Pattern((b"sg.",), key(rb"SG\.[\w-]{16,}\.[\w-]{16,}")),
    Pattern((b"hf_", b"npm_", b"gsk_", b"ntn_"), key(rb"(?:hf|npm|gsk|ntn)_[A-Za-z0-9]{30,}")),
    Pattern((b"xai-", b"pplx-"), key(rb"(?:xai|pplx)-[A-Za-z0-9]{30,}")),
    Pattern((b"r8_", b"lin_api_", b"figd_"), key(rb"(?:r8|lin_api|figd)_[\w-]{30,}")),
    Pattern((b"pypi-",), key(rb"pypi-[\w-]{40,}")),
    Pattern((b"dop_v1_", b"shpat_", b"shpss_"), key(rb"(?:dop_v1|shpat|shpss)_[0-9a-f]{32,}")),
    Pattern((b"hvs.", b"hvb."), key(rb"hv[sb]\.[\w-]{24,}")),
    Pattern((b"age-secret-key-",), key(rb"AGE-SECRET-KEY-1[A-Z0-9]{40,}")),
    Pattern((b"tly_",), key(rb"tly_[0-9a-f]{32}_[\w-]{43}")),
    Pattern((b":aa",), key(rb"\d{8,10}:AA[\w-]{33}")),
    Pattern((b"eyj",), key(rb"eyJ[\w-]{8,500}+\.eyJ[\w-]{8,}+\.[\w-]*")),
    # To its end, or as far as it goes: it may be cut.
    Pattern(
        (b"private key",),
        re.compile(
            rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            rb"(?:[A-Za-z0-9+/=\x20:,.()]++|-(?!----END)|\\++[nrt/])*+"
            rb"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    # Of Twilio and of Discord. What they begin with stands first, so that it is found fast.
    Pattern((b"sk",), re.compile(rb"SK(?:(?<![0-9A-Za-z]SK)|(?<=\\[nrtbf]SK))[0-9a-f]{32}(?![0-9A-Za-z])")),
    Pattern(
        (b".",),
        re.compile(
            rb"[MNO](?:(?<![\w-].)|(?<=\\[nrtbf].))[A-Za-z0-9_-]{23,27}+\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,60}+(?![\w.-])"
        ),
    ),
    Pattern((b"bearer",), re.compile(rb"(?i)(?<=bearer )(?=[A-Za-z_.~+/=-]{0,200}+[0-9])[\w.~+/=-]{16,}")),
    Pattern(
        (b"authorization",),
        re.compile(rb"(?i)authorization" + HEADER + rb"basic\x20{1,4}+(?P<secret>[A-Za-z0-9+/=]{8,}+)"),
    ),
    Pattern(
        (b"cookie",),
        re.compile(
            rb"(?i)cookie" + HEADER + rb"(?P<secret>[\w.!#$%*+^~|-]{1,200}+=(?:[^\s\x00-\x20\"'`\\<>;]|;\x20?)++)"
        ),
    ),
    # The password of an address.
    Pattern(
        (b"://", b"\\/"),
        re.compile(rb":(?:\\*+/){2}[^\s\"'\\/@:<>{}]{0,100}:(?P<secret>[^\s\"'\\/@<>{}]{1,200})(?=@)"),
    ),
    Pattern(
        (b"passwor", b"passwd", b"secret", b"key", b"token"),
        re.compile(
            rb"(?i)(?:passwor[dt]|passwd|secret(?:[_-]?access)?(?:[_-]?key)?|(?:api|access|auth|private|account)[_-]?key|"
            rb"(?:api|access|auth|refresh|bot|session)[_-]?token)" + IS + rb"(?:" + QUOTED + rb"|" + BARE + rb")"
        ),
    ),
)


def suspicious(text: bytes) -> bool:
    """Whether it holds a secret. Faster than looking for its place."""
    lower = text.lower()
    return any(any(word in lower for word in words) and form.search(text) for words, form in PATTERNS)


def redacted(text: bytes, place: Callable[[bytes], bytes] = lambda _: PLACE) -> tuple[bytes, int]:
    """The text with `place(secret)` for each secret, and how many there were."""
    clean, found = taken_out(text, place)
    if b"\\u00" in clean and SPELLED.search(clean):
        plain, more = taken_out(SPELLED.sub(lambda match: bytes.fromhex(match[1].decode()), clean), place)
        if more:
            return plain, found + more
    return clean, found


def taken_out(text: bytes, place: Callable[[bytes], bytes]) -> tuple[bytes, int]:
    found, lower = 0, text.lower()
    for words, form in PATTERNS:
        if any(word in lower for word in words):
            text, n = form.subn(lambda match: replaced(match, place), text)
            found += n
    return text, found


def replaced(match: re.Match[bytes], place: Callable[[bytes], bytes]) -> bytes:
    """Where only a part is secret, the rest stays: it ends with the secret."""
    part = match.lastgroup
    if part is None:
        return place(match[0])
    return match[0][: match.start(part) - match.start()] + place(match[part])


def named(salt: bytes) -> Callable[[bytes], bytes]:
    """For ids: two secrets keep two names, from which nobody learns them."""
    return lambda secret: b"redacted-" + hmac.digest(salt, secret, "sha256").hex()[:16].encode()
