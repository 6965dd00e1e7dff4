"""What a log-in reads, where it turns the scan away: its query decides who somebody is, and nobody need be known to break it."""

from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from stopper.core.exchange import Request
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.accounts.login import FORM, came_in_by, login_requests, login_routes
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import Input, members

ROUTES_MOST: Final = 2
_REFUSED: Final = (400, 401, 403, 404)
"""What log-ins say to whom they do not know: many beginners' say that there is no such user, or that the request is wrong."""


def refused_log_ins(target: Target) -> Steps[list[Input]]:
    """The names and passwords of log-ins that refuse an account which nobody has; of others the honest request tells as of any route. Where
    nothing says what a log-in reads, both JSON and a form are varied: one that reads the other refuses each alike."""
    found: list[Input] = []
    for route in login_routes(target)[:ROUTES_MOST]:
        asked = target.request_for(route, "POST")
        ways = [asked]
        if not members(asked):
            as_json, as_form, *_ = login_requests(target, route, f"nobody-{target.canary}", f"Pass-{target.canary}-9a!")
            ways = [replace(asked, body=as_json.body), *([] if route.takes_form else [as_form])]
            forms = came_in_by(target, route)
            ways = [way for way in ways if not forms or (FORM in (way.header("Content-Type") or "")) in forms] or ways
        for way in ways:
            honest = yield from attempt(send(way))
            if honest is None or honest.response.status not in _REFUSED:
                continue
            names = _names(way)
            found += [
                Input(route, way, name, "body", honest)
                for name in names
                if SUBJECT.search(name) or PASSWORD.search(name)
            ]
    return found


def _names(request: Request) -> list[str]:
    if FORM in (request.header("Content-Type") or ""):
        return [name for name, _ in parse_qsl(request.body.decode("utf-8", "replace"))]
    return [name for name, value in members(request).items() if isinstance(value, str)]
