"""Answers that any probe of the scan has met and that another rule looks for: errors of the server, and readings whose members are named as
what nobody should see. Whoever looks for these need not provoke them again, and a thing may be known by its id to another probe alone."""

import re
from collections.abc import Callable
from typing import Final, cast

from stopper.core.exchange import Exchange
from stopper.core.place import RouteRef
from stopper.core.probe import Target

ERRORS: Final = "errors that were met"
"""The name under which ``target.notes`` tells of them."""
SHOWN: Final = "readings that may show too much"
"""The same of such readings."""
LIMITED: Final = "requests that a limit turned away"
"""The same of what was answered 429."""
KEPT: Final = 60
"""Errors of one scan that are kept, and readings."""
_TELLING: Final = re.compile(
    rb"""(?i)"[\w-]{0,24}(?:passw|pwd|passphrase|secret|_key|hash|salt|_token|ssn|cvv|pin)[\w-]{0,12}"\s{0,3}:"""
)


def may_show_too_much(exchange: Exchange) -> bool:
    """Whether an answer to a reading in JSON has a member whose name sounds as if nobody should see it: a cheap question, asked of each."""
    request, response = exchange.request, exchange.response
    told = request.method == "GET" and response.succeeded and response.content_type.endswith("json")
    return told and _TELLING.search(response.body) is not None


def errors_seen(target: Target) -> list[tuple[RouteRef, Exchange]]:
    """The errors that were met so far, each with its route; the first one of a route comes first."""
    return _seen(target, ERRORS)


def shown_so_far(target: Target) -> list[tuple[RouteRef, Exchange]]:
    """The readings that may show too much, each with its route, whoever has asked."""
    return _seen(target, SHOWN)


def limits_met(target: Target) -> list[tuple[RouteRef, Exchange]]:
    """The requests that a limit has turned away, each with its route."""
    return _seen(target, LIMITED)


def _seen(target: Target, note: str) -> list[tuple[RouteRef, Exchange]]:
    told = target.notes.get(note)
    met = cast("Callable[[], tuple[Exchange, ...]]", told)() if callable(told) else ()
    found: list[tuple[RouteRef, Exchange]] = []
    for exchange in met:
        ref = _ref(target, exchange)
        if ref is not None:
            found.append((ref, exchange))
    return found


def _ref(target: Target, exchange: Exchange) -> RouteRef | None:
    path, method = exchange.request.target.partition("?")[0], exchange.request.method
    for route in target.app.routes:
        pattern = re.sub(r"\\\{[^{}]*\\\}", "[^/]+", re.escape(route.path))
        if method in route.methods and re.search(f"{pattern}$", path):
            return RouteRef(method, route.path)
    return None
