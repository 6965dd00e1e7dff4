"""Routes that take a refresh token and make an access token, written without a library that does both."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.changing_calls import writes
from stopper.core.place import Span
from stopper.core.tokens.jwt_names import ENCODING
from stopper.core.values import Call

if TYPE_CHECKING:
    from stopper.core.fact import SourceRoute
    from stopper.core.facts import SourceFacts

_KEY: Final = re.compile(r"(?i)refresh(?:[-_]?(?:token|jwt))?|renew(?:al)?[-_]?token")
_MAKES: Final = re.compile(
    r"(?i)_*(?:issue|make|create|generate|mint|new|sign|build|encode|give)_(?:\w+_)?(?:access|token|jwt|bearer)s?(?:_token)?"
    r"|_*access(?:_token)?(?:_for)?"
)
_TAKES_BACK: Final = re.compile(
    r"(?i)\w*(?:revoke|block_?list|black_?list|deny_?list|rotate|rotation|invalidate|consume|mark_|used|spend|burn|getdel|exchange)\w*"
)
_PLACES: Final = ("flask.request.json", "flask.request.form", "flask.request.cookies", "flask.request.values")
_STEPS: Final = 3


def kept_refresh_tokens(facts: "SourceFacts") -> Iterator[Span]:
    """The line of each such view that changes nothing of what is kept: the token it was shown stays good, and nobody sees it come twice."""
    readings = [one for one in facts.readings() if _KEY.fullmatch(one.key) and one.source.startswith(_SENT)]
    for route in facts.routes if readings else ():
        if "POST" not in route.methods:
            continue
        reached = _reached(facts, _views(facts, route))
        shown = next((one for one in readings if one.function in reached), None)
        if shown is None:
            continue
        calls = [call for name in reached for call in facts.calls_in(name)]
        if any(map(_makes, calls)) and not any(_TAKES_BACK.fullmatch(call.method) for call in calls):
            asks_password = any(
                one.function in reached and "pass" in one.key.lower() for one in facts.readings(*_PLACES)
            )
            if not asks_password and not any(writes(facts, name) or _changes_row(facts, name) for name in reached):
                yield shown.span


_SENT: Final = ("flask.request.", "flask_restful.", "flask_restx.")


def _makes(call: Call) -> bool:
    return call.callee in ENCODING or _MAKES.fullmatch(call.method) is not None


def _changes_row(facts: "SourceFacts", function: str) -> bool:
    """``row.used = True``"""
    return any("." in one.target and not one.target.startswith("self.") for one in facts.assignments_in(function))


def _views(facts: "SourceFacts", route: "SourceRoute") -> list[str]:
    own = facts.function(route.view)
    return [own.name] if own is not None else [f"{route.view}.post"]


def _reached(facts: "SourceFacts", names: list[str]) -> list[str]:
    """The functions of the project that these call, with themselves."""
    found, edge = dict.fromkeys(names), names
    for _ in range(_STEPS):
        edge = [call.callee for name in edge for call in facts.calls_in(name) if facts.function(call.callee)]
        edge = [name for name in dict.fromkeys(edge) if name not in found]
        found.update(dict.fromkeys(edge))
    return list(found)
