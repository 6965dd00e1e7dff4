"""Parts of somebody or of something that nobody may set, each with a route of its own (``/users/7/role``): they are sent what they say already."""

import json
import re
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.baseline import attempt, same
from stopper.core.probing.inputs import members
from stopper.core.probing.things.kinds import at_number, route_at
from stopper.core.probing.things.objects import inner_object, is_masked
from stopper.core.probing.things.read_below import unknown

PARTS_MOST: Final = 4
_PART: Final = re.compile(
    r"(?i)^(/.+/\{[^{}]+\})/(?:(?:set|change|update|edit)[-_]?)?(roles?|status|state|level|plan|type|tier|rank|group|permissions?|privileges?|is_?admin|admin|owner|title|"
    r"description|bio|name|nickname|address|settings|profile|category|priority|visibility|price|stock|quantity|salary)/?$"
)
_METHODS: Final = ("PATCH", "PUT", "POST")


def open_parts(target: Target, who: Identity) -> Steps[list[tuple[Route, str, Exchange, Exchange]]]:
    """The routes at which nobody sets a part of something that was there, with the answer and what is there afterwards."""
    found: list[tuple[Route, str, Exchange, Exchange]] = []
    parts = [(route, method) for route in target.app.routes for method in _METHODS if _is_part(route, method)]
    for route, method in parts[:PARTS_MOST]:
        told = yield from attempt(_as_it_stands(target, route, method, who))
        found += [(route, method, *told)] if told is not None else []
    return found


def _is_part(route: Route, method: str) -> bool:
    return method in route.methods and len(route.parameters) == 1 and _PART.match(route.path) is not None


def _as_it_stands(target: Target, route: Route, method: str, who: Identity) -> Steps[tuple[Exchange, Exchange] | None]:
    said = _PART.match(route.path)
    thing = route_at(target, said.group(1), "GET") if said is not None else None
    if said is None or thing is None:
        return None
    number = _number(target, route, method)
    if number is None:
        return None
    look = at_number(target, thing, number)
    before = yield from send(look)
    if not before.response.succeeded:
        look = who.on(look)
        before = yield from send(look)
    stands = inner_object(before.response.json()) if before.response.succeeded else {}
    honest = at_number(target, route, number, method)
    body = _body(honest, {as_parameter(name): value for name, value in stands.items()}, said.group(2))
    if not body:
        return None
    sent = yield from sent_to_one_that_is(target, route, method, number, body)
    if sent is None:
        return None
    after = yield from send(look)
    return (sent, after) if same(after.response, before.response) else None


def sent_to_one_that_is(
    target: Target, route: Route, method: str, number: str, body: dict[str, object]
) -> Steps[Exchange | None]:
    """The answer to nobody who sends a thing this body and is obeyed, where a number that nothing has takes it from nobody."""
    written = json.dumps(body).encode()
    nowhere = yield from send(replace(at_number(target, route, unknown(number), method), body=written, identity=None))
    if nowhere.response.succeeded or nowhere.response.refused:
        return None
    sent = yield from send(replace(at_number(target, route, number, method), body=written, identity=None))
    return sent if sent.response.succeeded else None


def _body(honest: Request, known: dict[str, object], part: str) -> dict[str, object]:
    """What the route reads, each as it stands there: ``new_role`` is the role; empty where one is not shown."""
    body: dict[str, object] = {}
    for name in members(honest) or {part: ""}:
        plain = as_parameter(name)
        value = known.get(plain, known.get(plain.removeprefix("new_")))
        if value is None or isinstance(value, (dict, list)) or is_masked(value) or PASSWORD.search(name):
            return {}
        body[name] = value
    return body


def _number(target: Target, route: Route, method: str) -> str | None:
    """The id of a thing that was there, as the honest request names it; None where it is none that can be guessed."""
    before, _, rest = route.path.partition("{")
    number = (
        target.request_for(route, method)
        .target.partition("?")[0]
        .partition(before)[2]
        .removesuffix(rest.partition("}")[2])
    )
    return number if number.isdigit() else None
