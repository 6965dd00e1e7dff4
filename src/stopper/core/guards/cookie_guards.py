"""Cookies of the project's own that say who is calling: a guard, or a view that changes something, reads one and goes by it."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.fact import Reading
from stopper.core.facts import SourceFacts
from stopper.core.flow.nested_functions import inside
from stopper.core.guards.json_alone import CHANGING
from stopper.core.probing.baseline import is_door
from stopper.core.values import text_of

if TYPE_CHECKING:
    from stopper.core.app import App

_CREDENTIAL_COOKIE: Final = re.compile(r"(?i)token|jwt|auth|sess|sid|access|login|remember")


def cookies_guard(app: "App", facts: SourceFacts) -> bool:
    """A guard of every request or of a view reads a cookie of its own that says who is calling: ``request.cookies.get("access")``."""
    cookies = [
        one for one in facts.readings("flask.request.cookies") if one.function and _CREDENTIAL_COOKIE.search(one.key)
    ]
    if not cookies:
        return False
    bearers = {
        one.function
        for one in facts.readings()
        if one.source == "flask.request.headers" and one.key.lower() == "authorization"
    }
    if bearers:  # a guard that takes either of both is served with the cookie alone
        cookies = [one for one in cookies if one.function in bearers and not _holds_both(facts, one.function)]
    readers = {one.function for one in cookies}
    changing = [route for route in facts.routes if set(route.methods) & CHANGING]
    guards = {hook for route in changing for hook in route.hooks}
    guards |= {one.name for route in changing for one in route.decorators}
    written = guards.union(*(inside(facts, guard) for guard in guards))
    if any(reader in written or any(call.function in written for call in facts.calls(reader)) for reader in readers):
        return True
    return not bearers and _views_go_by_it(app, facts, cookies)


def _holds_both(facts: SourceFacts, function: str) -> bool:
    """That what the cookie and what the header brought is compared there, so both have to come."""
    return any(
        any(facts.derives(one, "authorization-header") for one in (held.left, held.right))
        for held in facts.comparisons_in(function)
        if held.operator in ("==", "!=")
    )


def _views_go_by_it(app: "App", facts: SourceFacts, cookies: list[Reading]) -> bool:
    """The log-in sets the cookie, and a view that changes something asks for it itself, or a function which it calls."""
    doors = {route.view for route in app.routes if is_door(route)}
    handed = doors | {call.callee for door in doors for call in facts.calls_in(door)}
    given = {
        text_of(call.argument(0, "key"))
        for call in facts.calls("*.set_cookie")
        if call.function in handed or call.function.partition(".<")[0] in handed
    }
    readers = {one.function for one in cookies if one.key in given}
    views = {route.view for route in app.routes if set(route.methods) & CHANGING and not is_door(route)}
    return any(reader in views or any(call.function in views for call in facts.calls(reader)) for reader in readers)
