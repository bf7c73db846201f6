"""What looks like a secret, and its place without it.

It works on the text of JSON as it stands, so the patterns take no quotes and no backslashes but those of whole escapes:
what was JSON stays JSON. Ids of calls, tools and sessions have none of these forms.
"""

import hmac
import re
from collections.abc import Callable
from typing import NamedTuple

PLACE = b"[redacted]"
# A word begins here; after \n and the like of JSON as well, whose letter is no part of it.
BEGIN = rb"(?:(?<![0-9A-Za-z])|(?<=\\[nrtbf]))"
# Up to a blank, a quote, an escape.
VALUE = rb"[^\s\x00-\x20\"'\\`<>(){}\[\],;&]"


class Pattern(NamedTuple):
    """`words`: one of them, in lower case, is in whatever the form matches."""

    words: tuple[bytes, ...]
    form: re.Pattern[bytes]


def key(*forms: bytes) -> re.Pattern[bytes]:
    return re.compile(BEGIN + rb"(?:" + rb"|".join(forms) + rb")")


PATTERNS = (
    Pattern((b"sk-",), key(rb"sk-ant-[\w-]{16,}", rb"sk-(?=[\w-]*\d)[A-Za-z0-9_-]{20,}")),
    Pattern((b"akia", b"asia", b"abia", b"acca"), key(rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b")),
    Pattern(
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        key(rb"gh[pousr]_[A-Za-z0-9]{30,}", rb"github_pat_\w{22,}"),
    ),
    Pattern((b"glpat-", b"gldt-", b"glrt-"), key(rb"gl(?:pat|dt|rt)-[\w-]{20,}")),
    Pattern((b"xox", b"xapp-"), key(rb"xox[a-z]-[\w-]{10,}", rb"xapp-[\w-]{10,}")),
    Pattern((b"hooks.slack.com",), key(rb"hooks\.slack\.com(?:\\?/[\w-]+){3,}")),
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
    Pattern((b"eyj",), key(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*")),
    # To its end, or as far as it goes: it may be cut.
    Pattern(
        (b"private key",),
        re.compile(
            rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END)[A-Za-z0-9+/=\s:,.()-]|\\+[nrt])*"
            rb"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?"
        ),
    ),
    Pattern((b"bearer",), re.compile(rb"(?i)(?<=bearer )(?=[\w.~+/=-]*\d)[\w.~+/=-]{16,}")),
    Pattern((b"authorization",), re.compile(rb"(?i)(?<=authorization: basic )[A-Za-z0-9+/=]{8,}")),
    # The password of an address.
    Pattern(
        (b"://", b":\\/\\/"),
        re.compile(rb":(?:\\?/){2}[^\s\"'\\/@:<>{}]{0,100}:(?P<secret>[^\s\"'\\/@<>{}]{1,200})(?=@)"),
    ),
    Pattern(
        (b"passwor", b"passwd", b"secret", b"key", b"token"),
        re.compile(
            rb"(?i)(?:passwor[dt]|passwd|secret(?:[_-]?access)?(?:[_-]?key)?|(?:api|access|auth|private|account)[_-]?key|"
            rb"(?:api|access|auth|refresh|bot|session)[_-]?token)(?:[\\\"' ]{0,4}[:=][\\\"' ]{0,4})"
            rb"(?P<secret>(?=" + VALUE + rb"*\d)(?=" + VALUE + rb"*[A-Za-z])" + VALUE + rb"{8,})"
        ),
    ),
)


def suspicious(text: bytes) -> bool:
    """Whether it holds a secret. Faster than looking for its place."""
    lower = text.lower()
    return any(any(word in lower for word in words) and form.search(text) for words, form in PATTERNS)


def redacted(text: bytes, place: Callable[[bytes], bytes] = lambda _: PLACE) -> tuple[bytes, int]:
    """The text with `place(secret)` for each secret, and how many there were."""
    found, lower = 0, text.lower()
    for words, form in PATTERNS:
        if any(word in lower for word in words):
            text, n = form.subn(lambda match: replaced(match, place), text)
            found += n
    return text, found


def replaced(match: re.Match[bytes], place: Callable[[bytes], bytes]) -> bytes:
    """Where only a part is secret, the rest stays."""
    if "secret" not in match.re.groupindex:
        return place(match[0])
    whole, begin = match[0], match.start("secret") - match.start()
    return whole[:begin] + place(match["secret"])


def named(salt: bytes) -> Callable[[bytes], bytes]:
    """For ids: two secrets keep two names, from which nobody learns them."""
    return lambda secret: b"redacted-" + hmac.digest(salt, secret, "sha256").hex()[:16].encode()
