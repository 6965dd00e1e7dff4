"""What can be wrong with a secret that works: old, weak, or the same under two names. No sentence here holds one."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from stopper.core.secret import Secret

Kind = Literal["old", "weak", "shared", "in-repository"]
OLDEST_DAYS: Final = 90
"""CIS AWS Foundations Benchmark 1.14: keys are rotated every 90 days or less."""
LEAST_BYTES: Final = 16
"""112 bits and more when random (NIST SP 800-131A); a password is held to the same."""
LEAST_BITS: Final = 40
"""Entropy of the letters that are there, times how many. Of 100,000 random values of 12 bytes in base64 none had under 40."""
_TYPED_BITS: Final = 88
"""A value with more was not typed by a person. Of 100,000 random values of 16 bytes in hex none had less."""
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Subject:
    """One secret that is judged. ``where`` is its reference, or the place of its setting. ``alias``: it says ``secret:NAME``."""

    name: str
    where: str
    value: Secret
    changed: float | None = None
    lent: bool = False
    alias: bool = False


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong with the secret *name*, and the mend. ``places`` are ``path:line``."""

    name: str
    kind: Kind
    text: str
    places: tuple[str, ...] = ()


def judge(subjects: Sequence[Subject], now: float, oldest_days: float = OLDEST_DAYS) -> tuple[Complaint, ...]:
    """What is wrong with them, in their order."""
    found = [*_old(subjects, now, oldest_days), *_weak(subjects), *_shared(subjects)]
    order = {one.name: place for place, one in enumerate(subjects)}
    return tuple(sorted(found, key=lambda one: order[one.name]))


def age_days(subject: Subject, now: float) -> int | None:
    """How old its version is in whole days; None where nobody knows. A date in the future is today."""
    return None if subject.changed is None else max(0, int((now - subject.changed) // _DAY))


def _old(subjects: Sequence[Subject], now: float, oldest_days: float) -> Iterator[Complaint]:
    for one in subjects:
        age = age_days(one, now)
        if age is not None and age > oldest_days and not one.lent:
            yield Complaint(one.name, "old", f"is {age} days old; rotate it (--max-age sets the limit)")


def _weak(subjects: Sequence[Subject]) -> Iterator[Complaint]:
    for one in subjects:
        why = weak_because(one.value)
        if why is not None:
            mend = "python -c 'import secrets; print(secrets.token_hex(32))' makes a better one"
            yield Complaint(one.name, "weak", f"{why}; {mend}")


def _shared(subjects: Sequence[Subject]) -> Iterator[Complaint]:
    for one, other in combinations(subjects, 2):
        if one.value == other.value and not (one.alias or other.alias):
            yield Complaint(
                one.name, "shared", f"is the same as {other.name}: whoever gets one has both; give each its own"
            )


def weak_because(value: Secret) -> str | None:
    """Why *value* can be guessed, in a few words; None when it cannot, or when it is a whole document or private key."""
    # The lists and parsers are loaded by those who judge, not by every service.
    from stopper.auth.common_password import is_common
    from stopper.auth.weak_secret import weakness

    said = _password(value)
    if not said or said.reveal().lstrip().startswith("{") or "PRIVATE KEY-----" in said.reveal():
        return None
    why = weakness(said, LEAST_BYTES)
    bits = _bits(said.reveal())
    if why is None and bits < LEAST_BITS:
        return "has few different letters"
    if why is None and bits < _TYPED_BITS and is_common(said.reveal()):
        return "is among the passwords that are guessed first"
    return why


def _password(value: Secret) -> Secret:
    """The part of it that is secret: the password, where the value is an address."""
    if "://" not in value.reveal():
        return value
    try:
        password = urlsplit(value.reveal()).password
    except ValueError:
        return value
    return Secret(unquote(password)) if password else Secret("")


def _bits(text: str) -> float:
    """Shannon's entropy of its letters, times how many there are."""
    counts = Counter(text)
    return -sum(count * math.log2(count / len(text)) for count in counts.values())
