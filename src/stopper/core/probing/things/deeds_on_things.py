"""What others do about a thing of somebody's, and what its owner alone does: by the words of a path beside the thing."""

import re
from typing import Final

from stopper.core.app import Route
from stopper.core.probing.things.id_elsewhere import beside_the_thing, stands_elsewhere
from stopper.core.probing.things.kinds import Kind, Thing

ENDS: Final = re.compile(
    r"(?i)(^|[/_-])(deleted?|removed?|destroy(ed)?|cancel(l?ed)?|closed?|archived?|trash(ed)?)([/_-]|$)"
)
_JOINS: Final = re.compile(
    r"(?i)(^|[/_-])(un)?(likes?|votes?|upvote|downvote|follow|subscribe|rat(e|ing)s?|join|apply|report|bookmark|favou?rites?|borrow|rent|book|buy|"
    r"views?)([/_-]|$)"
)
"""What others do about a thing that is not theirs, and should."""
_SAYS: Final = re.compile(r"(?i)(^|[/_-])(comments?|repl(y|ies)|reviews?|order|bid|answers?|messages?)([/_-]|$)")
"""What others say to a thing that they see; to one that is nobody else's they have nothing to say."""
READS: Final = re.compile(
    r"(?i)(^|[/_-])(search|look-?up|find|query|filter|view|get|read|show|details?|info|statements?|history)([/_-]|$)"
)
"""What a POST says that changes nothing."""


def in_order(kind: Kind, thing: Thing) -> list[tuple[Route, str]]:
    """What looks first, then what changes a part, then the whole, and what deletes at last; reading the thing itself is another question."""
    pairs = [
        (route, method)
        for route in kind.members
        for method in ("GET", "PUT", "PATCH", "POST", "DELETE")
        if method in route.methods and not _joins(kind, thing, route, method)
        if method != "GET" or route is not kind.thing or stands_elsewhere(route)
    ]

    def order(pair: tuple[Route, str]) -> tuple[bool, bool, bool]:
        ends = pair[1] == "DELETE" or bool(ENDS.search(pair[0].path))
        return pair[1] != "GET", ends, pair[0].path.endswith("}")

    return sorted(pairs, key=order)


def _joins(kind: Kind, thing: Thing, route: Route, method: str) -> bool:
    """Whether it is what others do about a thing; of one that nobody else sees, what is said to it is read and written by its owner."""
    said = said_beside(kind, route)
    below = method == "GET" or (method == "POST" and "}/" in route.path)
    return bool(_JOINS.search(said)) or (bool(_SAYS.search(said)) and not (thing.private and below))


def said_beside(kind: Kind, route: Route) -> str:
    """What the path of a route says beside the thing and its id."""
    if stands_elsewhere(route):
        return beside_the_thing(kind.base, route.path)
    return re.sub(r"\{[^{}]*\}", "", route.path.removeprefix(kind.base))
