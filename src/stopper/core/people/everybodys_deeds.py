"""What anybody may do to a thing that others have made: like it, follow who made it, report it, say something under it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import Route
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.owner_names import PRIVATE
from stopper.core.values import Name, walk

_DEED: Final = r"(?:un)?(?:favou?rites?|likes?|follow|stars?|bookmarks?|(?:up|down)?votes?|report|flag|react(?:ions?)?|subscribe|rate|ratings?|collect)"
_LAST: Final = re.compile(rf"(?i)/(?:{_DEED}|votes?/(?:up|down|cancel)|comments|repl(?:y|ies)|reviews)/?$")
_FIRST: Final = re.compile(rf"(?i)(?:^|/){_DEED}/(?:[a-z_-]+/)?\{{[^{{}}/]+\}}/?$")
_REPORTS: Final = re.compile(r"(?i)(?:^|/)(?:report|flag)/(?:[a-z_-]+/)?\{[^{}/]+\}/?$|\}/(?:report|flag)/?$")
_FOLLOWS: Final = re.compile(
    r"(?i)/(?:users?|people|persons?|members?|profiles?|authors?)/\{[^{}/]+\}/(?:un)?(?:follow|subscribe)/?$"
)
_FOLLOWING: Final = re.compile(
    r"(?i)/(?:users?|people|persons?|members?|profiles?|authors?)/\{[^{}/]+\}/(?:followers|following|followed)/?$"
)
_LEAVES: Final = re.compile(r"(?i)^[^{}]*/\{[^{}/]+\}/(?:leave|quit)/?$")
_NOBODY_KNOWN: Final = re.compile(
    r"(?i)(?:^|[._])(?:allow_?(?:anonymous|guests?|anybody|anyone|public)|anonymous_?allowed|no_?(?:auth|log_?in)(?:_?(?:required|needed))?|"
    r"(?:auth|log_?in)_?(?:exempt|optional|not_required)|(?:skip|without)_?(?:auth|log_?in))$"
)
"""Decorators by which a view says that nobody has to be known who comes."""


def is_everybodys_deed(index: FunctionIndex, route: Route, method: str) -> bool:
    """``POST /articles/{slug}/favorite``, ``POST /report/photo/{id}``, ``GET /users/{id}/followers``, ``POST /groups/{id}/leave``; not of what
    is private by its name. What the view says itself to be for whoever comes is so whatever it is called."""
    if any(map(_NOBODY_KNOWN.search, _decorators(index, route, method))) or _LEAVES.search(route.path):
        return True  # what somebody belongs to is a line of that one's own
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


def _decorators(index: FunctionIndex, route: Route, method: str) -> Iterator[str]:
    """The names of what stands above the view, above its method, and in ``decorators = […]`` of its class."""
    for function in index.of_view(route.view, route.span, method):
        yield from (one.name for one in function.decorators)
    for known_route in index.facts.routes_of_view(route.view):
        yield from (one.name for one in known_route.decorators)
    known = classes_by_name(index.facts).get(route.view)
    if known is not None and "decorators" in known.attributes:
        yield from (part.dotted for part in walk(known.attributes["decorators"], 2) if isinstance(part, Name))
