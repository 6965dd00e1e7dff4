"""What has the shape of a credential, whoever holds it: tokens, provider keys, PEM, schemes of Authorization, passwords in URLs."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from stopper.core.redaction.providers import FORMATS, PATTERNS

Stand = Callable[[str], str]
"""Says what stands instead of a text that is taken out."""

# JWS and JWE in compact form (RFC 7515 §3.1, RFC 7516 §3.1): a header that begins with {" in base64url.
_JWT: Final = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}")
_OWN_KEY: Final = re.compile(r"(?<![A-Za-z0-9])(stp_[a-z]+_[A-Za-z0-9]{4})[A-Za-z0-9]*_[A-Za-z0-9_-]{8,}")
_RUN: Final = re.compile(r"[A-Za-z0-9]+")
_HEAD: Final = 3
_NOT_HEX: Final = re.compile(r"[^0-9A-Fa-f-]")
LONG: Final = 16
"""No key is shorter than so many characters."""

_PEM: Final = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----.*?(?:-----END \1-----|\Z)|"
    r"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----.*?(?:---- END SSH2 ENCRYPTED PRIVATE KEY ----|\Z)",
    re.DOTALL,
)
# Scheme and credential (RFC 9110 §11.4), a token68 with nothing of its alphabet behind it: `Bearer error="…"` is a parameter, and so
# is the `subject=ann` of `kind=bearer subject=ann`. The credential of prose ("bearer tokens", "basic well-known") has no digit and one case.
_SCHEME: Final = re.compile(
    r"(?i:\b(bearer|basic|dpop|digest|negotiate)(\s+|%20|\\t|=))"
    r"(?!(?i:realm|error|error_description|error_uri|scope|charset|algs|nonce|resource_metadata|insufficient_scope)\b)"
    r"(?=[A-Za-z0-9._~+/=-]{0,40}?(?:[0-9_~+/=]|[a-z][A-Z]|[A-Za-z]{20}))([A-Za-z0-9._~+/-]{6,}+=*)(?![A-Za-z0-9._~+/=-])"
)
_SCHEME_HINTS: Final = ("bearer", "basic", "digest", "dpop")
_DIGEST: Final = re.compile(r"(?i)\b(digest\s+)(?=username=)([^\r\n]{1,4096})")
_USER_INFO: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@'\"]{0,200}:)([^\s/@'\"]{1,500})@")
_ONLY_USER: Final = re.compile(r"(https?://)([A-Za-z0-9_~.-]{20,500})(?::x-oauth-basic)?@", re.IGNORECASE)


def _heads() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for number, one in enumerate(FORMATS):
        for mark in one.marks:
            head = _RUN.findall(mark)[0][:_HEAD]
            found[head] = (*found.get(head, ()), number)
    return found


# What a mark begins with, up to three letters, by the formats that may follow. One look at the words of a text picks the patterns.
_BY_HEAD: Final = _heads()
_BY_HINT: Final = tuple(
    (one.hint, number) for number, one in enumerate(FORMATS) if one.hint and not set(one.hint) & set("/$")
)
_IN_LINKS: Final = tuple((one.hint, number) for number, one in enumerate(FORMATS) if set(one.hint) & set("/$"))


def words_of(runs: Iterable[str]) -> list[str]:
    """Those of the long runs of a text in which a key can stand: neither a hash nor an id nor a path."""
    return [run for run in runs if _may_be_key(run)]


def _may_be_key(run: str) -> bool:
    if "/" not in run or not run.islower():
        return _NOT_HEX.search(run) is not None
    return any(len(part) >= LONG and _NOT_HEX.search(part) for part in run.split("/"))


def mask_keys(text: str, words: Iterable[str], stand: Stand) -> str:
    """*text* without tokens and keys that carry their own mark. What tells the kind of key stays. *words*: see words_of()."""
    if "eyJ" in text:
        text = _JWT.sub(lambda found: stand(found[0]), text)
    if "stp_" in text:
        text = _OWN_KEY.sub(lambda found: found[1] + stand(found[0]), text)
    for number in _candidates(text, words):
        text = PATTERNS[number].sub(lambda found: found[1] + stand(found[0]), text)
    return text


def _candidates(text: str, words: Iterable[str]) -> list[int]:
    found: set[int] = set()
    for word in words:
        for run in _RUN.findall(word):
            found.update(_BY_HEAD.get(run[:_HEAD], ()))
    found.update(number for hint, number in _BY_HINT if hint in text)
    return sorted(found) if found else []


def holds_key(text: str, runs: Iterable[str]) -> bool:
    """Whether a token or key that carries its mark stands in *text*, whose long runs are *runs*."""
    words = words_of(runs)
    return bool(words) and (
        "eyJ" in text
        or "stp_" in text
        or any(PATTERNS[number].search(text) is not None for number in _candidates(text, words))
    )


def gives_away(lowered: str) -> bool:
    """Whether a text in small letters holds the name of a scheme, behind which a credential could stand. Cheap."""
    return any(map(lowered.__contains__, _SCHEME_HINTS))


def mask_signs(text: str, lowered: str, stand: Stand) -> str:
    """*text* without what a sign in front of it gives away: PEM, the schemes of Authorization, the password of a URL."""
    if "-----" in text or "---- BEGIN" in text:
        text = _PEM.sub(lambda found: f"-----BEGIN {found[1] or 'PRIVATE KEY'}----- {stand('')}", text)
    if gives_away(lowered):
        text = _SCHEME.sub(lambda found: f"{found[1]}{found[2]}{stand('')}", text)
        text = _DIGEST.sub(lambda found: found[1] + stand(""), text)
    if "://" not in text and "$" not in text:
        return text
    for hint, number in _IN_LINKS:
        if hint in text:
            text = PATTERNS[number].sub(lambda found: found[1] + stand(""), text)
    if "@" in text:
        text = _USER_INFO.sub(lambda found: f"{found[1]}{stand('')}@", text)
        text = _ONLY_USER.sub(lambda found: f"{found[1]}{stand('')}@", text)
    return text
