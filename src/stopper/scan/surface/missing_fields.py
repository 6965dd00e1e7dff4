"""Names of inputs that an API itself tells: an error says which field is missing, and the next request brings it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.login_names import LOGIN, PASSWORD
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.baseline import is_door
from stopper.core.probing.told_missing import NAMES_MOST, missing_in
from stopper.core.probing.told_values import values_told
from stopper.scan.people.doors import REGISTER
from stopper.scan.surface.honest import BODY_METHODS, HonestRequests
from stopper.scan.survey import ENDS_ACCESS
from stopper.scan.wire.courier import Courier

ROUTES_MOST: Final = 20
"""Route-methods of which no reader knows the inputs that are asked."""
OTHERS_MOST: Final = 8
"""Routes that are asked for the names of an account where no path is called a log-in, or none a registration."""
ROUNDS: Final = 4
"""Errors of one route that are read: many views name one missing field after the other."""
VALUES_ROUNDS: Final = 3
"""Times that values are changed after what a refusal tells."""


def learn_fields(
    app: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity], most: int = ROUTES_MOST
) -> None:
    """Ask routes of which no reader knows an input, and keep the names that their errors tell where those bring the request further."""
    who = people[0] if people else None
    for route, method in _unknown(app)[:most]:
        try:
            _learn(route, method, courier, honest, who)
            if method in BODY_METHODS and honest.learned.get(route.path):
                _learn_values(route, method, courier, honest, who)
        except Skipped as skipped:
            if "budget" in str(skipped) or courier.stopping.is_set():
                return


def learn_doors(app: App, courier: Courier, honest: HonestRequests) -> App:
    """*app*, each log-in and registration of which no reader knows an input with those that its errors tell: nobody comes in by other names.
    Where no path is called so, those of a few others are asked for as well."""
    named = [route for route in app.routes if "POST" in route.methods and not route.parameters]
    missing = [kind for kind in (LOGIN, REGISTER) if not any(kind.search(route.path) for route in named)]
    others = [route.path for route in named if not ENDS_ACCESS.search(route.path)] if missing else []
    asked = frozenset(others[:OTHERS_MOST])
    return replace(
        app, routes=tuple(one for route in app.routes for one in _learned_door(route, courier, honest, asked))
    )


def learn_one(route: Route, courier: Courier, honest: HonestRequests) -> None:
    """Learn from its errors what a POST at *route* reads, where no reader knows it."""
    if route.readers <= {"wire"} and not route.names and not route.request_schema:
        _learn(route, "POST", courier, honest, None)


def _learned_door(route: Route, courier: Courier, honest: HonestRequests, asked: frozenset[str]) -> Iterator[Route]:
    door = LOGIN.search(route.path) or REGISTER.search(route.path) or route.path in asked
    known = route.names or route.request_schema or not route.readers <= {"wire", "spec"}
    if not door or "POST" not in route.methods or route.parameters or known:
        yield route
        return
    with contextlib.suppress(Skipped):
        _learn(route, "POST", courier, honest, None)
    names = honest.learned.get(route.path, ())
    told = any(PASSWORD.search(name) for name in names) if route.path in asked else len(names) > 1
    if told or route.path not in asked:
        honest.learned.pop(route.path, None)
    rest = tuple(method for method in route.methods if method != "POST")
    if told and len(names) > 1:
        yield replace(route, methods=("POST",), fields=names)
        if rest:
            yield replace(route, methods=rest)
    else:
        yield route


def _unknown(app: App) -> list[tuple[Route, str]]:
    """Changes first. A document tells the query where there is one, and a thing that is read by its id mostly needs none."""
    found = [
        (route, method)
        for route in app.routes
        for method in route.methods
        if (method in BODY_METHODS or (method == "GET" and not route.parameters and "spec" not in route.readers))
        and not (route.fields or route.optional or route.request_schema or is_door(route) or ENDS_ACCESS.search(route.path))
    ]  # fmt: skip
    return sorted(found, key=lambda pair: pair[1] == "GET")


def _learn(route: Route, method: str, courier: Courier, honest: HonestRequests, who: Identity | None) -> None:
    kept = honest.learned_query if method == "GET" else honest.learned
    before = kept.get(route.path, ())
    wanted = before
    for _ in range(ROUNDS):
        told = missing_in(_answer(route, method, courier, honest, who))
        stuck = [name for name in told if name in wanted]
        if stuck:  # it was sent and is missing still: it is read somewhere else
            wanted = tuple(name for name in wanted if name not in stuck or name in before)
            kept[route.path] = wanted
            break
        if not told or len(wanted) + len(told) > NAMES_MOST:
            break
        wanted = (*wanted, *told)
        kept[route.path] = wanted
    if not wanted:
        kept.pop(route.path, None)


def _learn_values(route: Route, method: str, courier: Courier, honest: HonestRequests, who: Identity | None) -> None:
    """Keep what refusals tell of the values: a number, a date, one of a few words."""
    for _ in range(VALUES_ROUNDS):
        answer = _answer(route, method, courier, honest, who)
        if answer.error or answer.status not in (400, 422):
            return
        told = values_told(honest.body(route), answer, honest.canary)
        if not told:
            return
        honest.told.setdefault(route.path, {}).update(told)


def _answer(route: Route, method: str, courier: Courier, honest: HonestRequests, who: Identity | None) -> Response:
    request = honest(route, method)
    response = courier.carry(request).response
    return courier.carry(who.on(request)).response if response.refused and who is not None else response
