"""Errors of the server that any probe of the scan has met: whoever looks for what errors show need not provoke them again."""

import re
from collections.abc import Callable
from typing import Final, cast

from stopper.core.exchange import Exchange
from stopper.core.place import RouteRef
from stopper.core.probe import Target

ERRORS: Final = "errors that were met"
"""The name under which ``target.notes`` tells of them."""
KEPT: Final = 60
"""Errors of one scan that are kept."""


def errors_seen(target: Target) -> list[tuple[RouteRef, Exchange]]:
    """The errors that were met so far, each with its route; the first one of a route comes first."""
    told = target.notes.get(ERRORS)
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
