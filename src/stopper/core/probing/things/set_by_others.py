"""Members of a thing that somebody else decides: what it costs, and what becomes of it."""

import re
from collections.abc import Mapping
from typing import Final

from stopper.core.app import Route
from stopper.core.naming import as_parameter

_PRICED: Final = re.compile(
    r"(\w+_)?(price|total(_?(amount|price|cost))?|cost|fee|premium|balance|credits?|discount(_percent)?|refund(ed)?_?amount|interest_rate|salary)"
)
"""What a thing costs or holds, where a document names what may be said of it and that is not among it."""
_STATE: Final = re.compile(r"(\w+_)?(status|state)")
_STATES: Final = re.compile(
    r"(?i)pending|new|placed|requested|submitted|open|unpaid|processing|in_?review|draft|delivered|created|waiting|unverified|"
    r"shipped|dispatched|paid|confirmed|cancelled|canceled|rejected|denied|declined|closed|completed|failed|returned"
)
_DECIDED: Final = re.compile(
    r"(?i)(^|[/_-])(orders?|bookings?|payments?|loans?|claims?|refunds?|applications?|invoices?|requests?|withdrawals?)(/|$)"
)
"""Things of which somebody else decides what becomes of them."""


def set_by_others(route: Route, shown: Mapping[str, object], asked: Mapping[str, object]) -> dict[str, object]:
    """What a thing is shown to cost, or to have become of it, with another value: a document names what may be said of it, and neither is among it."""
    if not asked or "spec" not in route.readers or route.request_schema is None:
        return {}
    known = {as_parameter(name) for name in asked}
    found: dict[str, object] = {}
    for name, value in shown.items():
        said = as_parameter(name)
        if said in known:
            continue
        if isinstance(value, (int, float)) and not isinstance(value, bool) and _PRICED.fullmatch(said):
            found[name] = value + 1
        elif (
            isinstance(value, str)
            and _STATE.fullmatch(said)
            and _STATES.fullmatch(value)
            and _DECIDED.search(route.path)
        ):
            found[name] = "approved"
    return found
