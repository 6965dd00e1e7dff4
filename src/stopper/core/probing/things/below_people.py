"""Paths of what one person has, however they say it: below the person's id, or behind a word that is both (``/owner-pets/{id}``)."""

import re
from typing import Final

_JOINED: Final = re.compile(
    r"(?i)(?P<before>(?:^|.*)/)(?:get[_-])?(?P<who>users?|owners?|customers?|clients?|members?|patients?|doctors?|students?|teachers?|employees?|tenants?|drivers?|riders?|sellers?|buyers?|"
    r"vendors?|guests?|donors?|borrowers?|authors?)(?:[_-](?P<what>[a-z][a-z_-]*)/(?P<id>\{[^{}]+\}))/?"
)
_BEHIND: Final = re.compile(
    r"(?i)(?P<before>(?:^|.*)/)(?P<what>[a-z][a-z_-]*s)/(?:(?:by|of|for)[_-])?(?P<who>user|owner|customer|client|member|patient|student|employee|account)/(?P<id>\{[^{}]+\})/?"
)


def as_below(path: str) -> str:
    """*path* as one that has the things below the person: ``/owners/{id}/pets`` for ``/owner-pets/{id}``, ``/users/{id}/orders`` for
    ``/orders/user/{id}``; any other path as it is."""
    found = _JOINED.fullmatch(path) or _BEHIND.fullmatch(path)
    if found is None:
        return path
    who = found["who"] if found["who"].endswith("s") else f"{found['who']}s"
    return f"{found['before']}{who}/{found['id']}/{found['what']}"
