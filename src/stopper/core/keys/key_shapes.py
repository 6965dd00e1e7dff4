"""Finds keys and tokens in a text by their own shape: the redactor's formats of providers, tokens in compact form, private keys."""

import base64
import binascii
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, cast

from stopper.core.redaction.providers import FORMATS, PATTERNS, one_of

STANDS_IN: Final = r"your|^@\{|^@@|example|placeholder|change.?me|dummy|xxx|not[_-]?a?[_-]?real|-here$|^(?:fake|mock|insecure|invalid|unsafe)[_-]|(?:^|[_-])fake(?:[_-]|$)|fake[_-]?(?:api)?[_-]?(?:key|token|secret|pass)|(?:^|[_-])no[_-](?:api[_-])?key$|\*\*\*|^pk_(?:live|test)_|^6LeIxAcTAAAAA"
"""Words that people write where a key will stand, and keys that are there for everybody (Stripe's publishable ones, Google's for tests). Rules that ask for more add to it: what is harmless differs from place to place (``1234567890``
is no key in a readme, and is one that is checked in a view)."""
FAKE: Final = re.compile(
    rf"(?i){STANDS_IN}|change.?this|<|\{{\{{|\$\{{|\.\.\.|replace|not.?set|insert|redacted|sample|foo.?bar|lorem"
    r"|(?:string|token|key|secret|value)[_-]?here$|^an?[_-](?:[a-z]+[_-])*(?:secret|key|token|password)$|0123456789abcdef|1234567890|abcdefghij|deadbeef|(.)\1{7}"
)
"""Words that stand where a key will stand, and runs that no key has."""
_VAGUE: Final = frozenset(
    {
        "Notion", "Meta", "Azure shared access signature", "LaunchDarkly", "Cloudflare origin CA", "Octopus Deploy", "Infracost",
        "Discord bot", "Mailchimp", "Twilio API key", "Square", "Dropbox", "OpenShift", "Adobe", "EasyPost", "Artifactory", "Databricks",
    }
)  # fmt: skip
"""Formats whose mark other texts have as well: good enough to mask, not to accuse."""
_JWT: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(eyJ[A-Za-z0-9_-]{8,})\.([A-Za-z0-9_-]{8,})\.([A-Za-z0-9_-]{16,})(?![A-Za-z0-9_-])"
)
PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|PGP|ENCRYPTED) )?PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r)*([A-Za-z0-9+/=:\-, \n\\]{40,})?"
)
_MARKED: Final = re.compile(
    one_of(mark for one in FORMATS if one.provider not in _VAGUE for mark in ((one.hint,) if one.hint else one.marks))
)
"""One look says for most texts that no format can match."""
LEAST_ENTROPY: Final = 2.5
"""Bits a character; words and counted digits are below it, keys are above."""
_LEAST_DRAWN: Final = 10


@dataclass(frozen=True, slots=True)
class KeyShape:
    """One key that was found: what kind it is by its shape, and the text itself (never to be shown)."""

    kind: str
    text: str


def may_hold_key(text: str) -> bool:
    """That :func:`key_in` could find something: one look, which says no for most texts."""
    return "eyJ" in text or _MARKED.search(text) is not None


def key_in(text: str) -> KeyShape | None:
    """The first provider key or signed token in *text* that is no placeholder, else None."""
    if "eyJ" in text:
        found = _JWT.search(text)
        if found and is_signed_token(found):
            return KeyShape("a signed token (JWT)", found.group())
    if len(text) < 16 or _MARKED.search(text) is None:
        return None
    for one, pattern in zip(FORMATS, PATTERNS, strict=True):
        if one.provider in _VAGUE or (one.hint and one.hint not in text) or not _has_mark(one.marks, text):
            continue
        match = pattern.search(text)
        if match and not FAKE.search(match.group()) and is_marked_key(match.group()):
            return KeyShape(f"a key of {one.provider}", match.group())
    return None


def _has_mark(marks: tuple[str, ...], text: str) -> bool:
    return not marks or any(mark in text for mark in marks)


def is_signed_token(found: "re.Match[str]") -> bool:
    """That the three parts are a JWT: a header with ``alg``, claims that are an object."""
    header, claims = _decoded(found.group(1)), _decoded(found.group(2))
    return isinstance(header, dict) and "alg" in header and isinstance(claims, dict)


def claims_of(token: str) -> dict[str, object]:
    """The claims of a compact JWT, unverified; empty where there are none."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    found = _decoded(part)
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _decoded(part: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None


def is_random(text: str) -> bool:
    """That the letters are mixed as in a key, with a digit among them, not as in words."""
    if not any(char.isdigit() for char in text):
        return False
    return entropy(text) >= LEAST_ENTROPY


def is_marked_key(text: str) -> bool:
    """That what stands behind a provider's mark was drawn: Hugging Face's are made of letters alone."""
    return is_random(text) or (entropy(text) >= LEAST_ENTROPY and is_drawn(text))


_APP_PASSWORD: Final = re.compile(r"(?:[a-z]{4} ){3}[a-z]{4}|[a-z]{16}")
_NO_WORD: Final = re.compile(r"(?:^| )[b-df-hj-np-tv-z]{4}(?: |$)|[b-df-hj-np-tv-xz]{5}")


def is_app_password(text: str) -> bool:
    """A password for one program as Google draws it: sixteen small letters, most often shown in fours, and no words."""
    return _APP_PASSWORD.fullmatch(text) is not None and _NO_WORD.search(text) is not None


def is_drawn(text: str) -> bool:
    """That a generator made the text, by the look of it: small letters, capitals and digits change places all along. What people think of
    is made of words, whatever digits stand behind them."""
    kinds = ["d" if one.isdigit() else "u" if one.isupper() else "l" for one in text if one.isalnum()]
    changes = sum(one != other for one, other in pairwise(kinds))
    return len(kinds) >= _LEAST_DRAWN and changes > len(kinds) / 4


def entropy(text: str) -> float:
    """Shannon's entropy of the text in bits a character."""
    if not text:
        return 0.0
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def is_placeholder(text: str) -> bool:
    """That the text stands where a secret will stand, or points to one."""
    return (
        not any(map(str.isalnum, text))
        or FAKE.search(text) is not None
        or text.startswith(("$", "<", "%", "{", "/run/", "env:", "file:", "vault:", "pk.eyJ"))
    )


def holds_private_key(text: str) -> bool:
    """That a private key in PEM form stands in *text*, with a body."""
    if "PRIVATE KEY" not in text:
        return False
    found = PRIVATE_KEY.search(text)
    return (
        found is not None and found.group(1) is not None and not FAKE.search(found.group(1)[:60].replace("AAAAAAA", ""))
    )
