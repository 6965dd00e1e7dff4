"""Whoever asks is made an administrator: a registration that its path keeps for administrators takes anybody, and what refuses an ordinary person
lets the new one in."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.own_values import BELONGS
from stopper.core.probing.accounts.registration import holding, let_in, new_account
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.inputs import members

_HIGH: Final = r"(?:super[_-]?)?(?:admin(?:istrator)?|super-?user|staff|manager|moderator)s?"
_MAKES: Final = r"(?:register|registration|sign-?up|create|add|new)"
_REGISTERS: Final = re.compile(rf"(?i)(^|/){_MAKES}[/_-]?{_HIGH}/?$|(^|[/_-]){_HIGH}(/auth)?[/_-]?{_MAKES}/?$")
"""Paths at which somebody of a higher role is registered: ``/signup-admin``, ``/admin/auth/register``."""
ROUTES_MOST: Final = 2
REFUSED_MOST: Final = 12
"""Readings that are asked for one that refuses an ordinary person."""
Found = tuple[RouteRef, Evidence, Evidence]


def asked(target: Target, low: Identity) -> Steps[list[Found]]:
    """Such registrations, each with what refuses *low* and what the new administrator is given there."""
    found: list[Found] = []
    routes = list(_routes(target))[:ROUTES_MOST] if target.mode == "active" else []
    refused = (yield from _refused(target, low)) if routes else []
    for route in routes if refused else ():
        proof = yield from attempt(_made(target, route, refused))
        found += [proof] if proof is not None else []
    return found


def _routes(target: Target) -> Iterator[Route]:
    """Where somebody is registered with a password, and not the first one of a company of its own, who looks after that company alone."""
    for route in target.app.routes:
        if "POST" in route.methods and not route.parameters and _REGISTERS.search(route.path):
            said = [as_parameter(name) for name in members(target.request_for(route, "POST"))]
            founds = any(BELONGS.fullmatch(name) or BELONGS.match(name) for name in said)
            if any(map(PASSWORD.search, said)) and not founds:
                yield route


def _refused(target: Target, low: Identity) -> Steps[list[Exchange]]:
    found: list[Exchange] = []
    plain = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    for route in plain[:REFUSED_MOST]:
        seen = yield from attempt(send(low.on(target.request_for(route, "GET"))))
        found += [seen] if seen is not None and seen.response.refused else []
    return found


def _made(target: Target, route: Route, refused: list[Exchange]) -> Steps[Found | None]:
    honest = target.request_for(route, "POST")
    person, body = new_account(members(honest))
    made = yield from send(replace(honest, body=json.dumps(body).encode(), effect="write"))
    if not made.response.succeeded:
        return None
    entered = yield from let_in(target, person)
    ready = holding(target, *entered) if entered is not None else None
    if ready is None:
        return None
    for one in refused:
        seen = yield from send(replace(ready.on(replace(one.request, headers=_bare(one))), identity=None))
        if seen.response.succeeded and seen.response.body:
            control = Evidence("exchange", "control: an ordinary user is refused", one)
            shown = replace(seen, request=seen.request)
            return RouteRef("POST", route.path), control, Evidence("exchange", "who registered there is let in", shown)
    return None


def _bare(one: Exchange) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in one.request.headers if pair[0].lower() == "accept")
