"""A reset of a password is sent for accounts that the scan registered itself, and for nobody else."""

import json
import re
from collections.abc import Collection
from typing import Final, cast

from stopper.core.exchange import Request
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.probe_own_values import says_whose

PASSWORDS: Final = frozenset({"password", "passwords", "passwd", "pwd", "forgot", "forgotten"})
_OWN: Final = re.compile(r"(?:[a-z]{1,10}-)?stp[0-9a-f]{8,40}(?:@example\.com)?")
"""The names of people whom a scan registers."""


def resets_an_own_password(request: Request, words: Collection[str]) -> bool:
    """Whether a path that says ``reset`` is about a password, and the body names an account of the scan's own by its name, and nobody besides.
    No sign of a language may stand in it: whoever is named by a query could be everybody."""
    if PASSWORDS.isdisjoint(words) or any(character.isdigit() for character in request.target.rpartition("/")[2]):
        return False
    try:
        body: object = json.loads(request.body)
    except (ValueError, RecursionError):
        return False
    members = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    named = [value for name, value in members.items() if names_somebody(name)]
    plain = all(isinstance(value, str) and re.fullmatch(r"[\w.@+!-]{0,200}", value) for value in members.values())
    return bool(named) and plain and all(isinstance(value, str) and _OWN.fullmatch(value) for value in named)


def names_somebody(name: str) -> bool:
    """Whether a member of that name says who is meant."""
    if PASSWORD.search(name):
        return False
    return SUBJECT.search(name) is not None or says_whose(name) or name.lower() in ("id", "uid")
