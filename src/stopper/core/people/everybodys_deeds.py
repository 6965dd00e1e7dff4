"""What anybody may do to a thing that others have made: like it, follow who made it, report it, say something under it."""

import re
from typing import Final

from stopper.core.app import Route
from stopper.core.owner_names import PRIVATE

_DEED: Final = r"(?:un)?(?:favou?rites?|likes?|follow|stars?|bookmarks?|(?:up|down)?votes?|report|flag|react(?:ions?)?|subscribe|rate|ratings?|collect)"
_LAST: Final = re.compile(rf"(?i)/(?:{_DEED}|comments|repl(?:y|ies)|reviews)/?$")
_FIRST: Final = re.compile(rf"(?i)(?:^|/){_DEED}/(?:[a-z_-]+/)?\{{[^{{}}/]+\}}/?$")
_REPORTS: Final = re.compile(r"(?i)(?:^|/)(?:report|flag)/(?:[a-z_-]+/)?\{[^{}/]+\}/?$|\}/(?:report|flag)/?$")
_FOLLOWS: Final = re.compile(
    r"(?i)/(?:users?|people|persons?|members?|profiles?|authors?)/\{[^{}/]+\}/(?:un)?(?:follow|subscribe)/?$"
)
_FOLLOWING: Final = re.compile(
    r"(?i)/(?:users?|people|persons?|members?|profiles?|authors?)/\{[^{}/]+\}/(?:followers|following|followed)/?$"
)


def is_everybodys_deed(route: Route, method: str) -> bool:
    """``POST /articles/{slug}/favorite``, ``POST /report/photo/{id}``, ``GET /users/{id}/followers``; not of what is private by its name."""
    if method == "GET":
        return _FOLLOWING.search(route.path) is not None
    if _REPORTS.search(route.path):
        return method == "POST"
    if _FOLLOWS.search(route.path):
        return True  # whom somebody follows is a line of that one's own
    if PRIVATE.search(route.path):
        return False
    deed = _LAST if method in ("POST", "PUT", "DELETE") else _FIRST
    return deed.search(route.path) is not None or (method == "POST" and _FIRST.search(route.path) is not None)
