"""Versions of an API beside the one that is known: old ones are forgotten where nobody guards and mends them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.probe import Identity, Skipped
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.surface.nothing_there import Nothing, plain_get
from stopper.scan.wire.courier import Courier

VERSIONS_MOST: Final = 12
"""Paths of other versions that are asked for."""
OF_THINGS_MOST: Final = 8
"""The same of routes with parameters."""
_VERSION: Final = re.compile(r"(?i)(?<=/)v(\d{1,3})(?=/|$)")
_GONE: Final = (404, 405, 410, 501)


def _others(path: str) -> Iterator[str]:
    """The path under the version before and the one behind."""
    said = _VERSION.search(path)
    if said is not None:
        number = int(said.group(1))
        for other in (number - 1, number + 1):
            if other >= 0:
                yield path[: said.start(1)] + str(other) + path[said.end(1) :]


def other_versions(courier: Courier, routes: Sequence[Route], canary: str) -> tuple[Route, ...]:
    """Versions beside those that are known: of ``/v2/users`` also ``/v1/users`` and ``/v3/users``, where they answer. Only GET is sent."""
    known = {route.path for route in routes}
    wanted: dict[str, None] = {}
    for route in routes:
        if not route.parameters and "GET" in route.methods:
            wanted.update((path, None) for path in _others(route.path) if path not in known)
    found: list[Route] = []
    try:
        nothing = Nothing.ask(courier, "", canary) if wanted else None
        for path in list(wanted)[:VERSIONS_MOST]:
            response = _read(courier, path)
            is_there = response is not None and nothing is not None and nothing.differs(path, response)
            if is_there and response is not None and response.status != 405:
                found.append(Route(path, ("GET",), readers=frozenset({"wire"})))
    except Skipped:
        pass
    return tuple(found)


def with_other_versions(app: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity]) -> App:
    """*app* with the older version of routes that read one thing by its id: it is known by the things that the known one shows."""
    known = {route.path for route in app.routes}
    who = people[0] if people else None
    found: list[Route] = []
    asked = 0
    for route in [one for one in app.routes if one.parameters and "GET" in one.methods and _VERSION.search(one.path)]:
        own: Response | None = None
        for path in list(_others(route.path))[:1]:
            if path in known or asked >= OF_THINGS_MOST:
                continue
            asked += 1
            other = replace(
                route,
                path=path,
                methods=("GET",),
                spec_security=None,
                spec_replies={},
                spec_says={},
                spec_scopes={},
                readers=frozenset({"wire"}),
            )
            honest.harvest.setdefault(path, dict(honest.harvest.get(route.path, {})))
            own = own or _answer(courier, honest, route, who)
            response = _answer(courier, honest, other, who) if own is not None and own.succeeded else None
            if response is not None and (response.succeeded or response.refused) and response.status not in _GONE:
                if response.succeeded and _takes_anything(courier, honest, other, who):
                    continue
                found.append(other)
                known.add(path)
    return replace(app, routes=(*app.routes, *found)) if found else app


def _answer(courier: Courier, honest: HonestRequests, route: Route, who: Identity | None) -> Response | None:
    request = honest(route, "GET")
    try:
        response = courier.carry(request).response
        return courier.carry(who.on(request)).response if response.refused and who is not None else response
    except Skipped:
        return None


def _takes_anything(courier: Courier, honest: HonestRequests, route: Route, who: Identity | None) -> bool:
    """Whether a word that is no version at all is answered as well: then the path says nothing of versions."""
    nonsense = replace(route, path=_VERSION.sub(f"{honest.canary}-none", route.path, count=1))
    response = _answer(courier, honest, nonsense, who)
    return response is not None and response.succeeded


def _read(courier: Courier, path: str) -> Response | None:
    """The answer at *path*; None where it is too dangerous to read."""
    try:
        return courier.carry(plain_get(path)).response
    except Skipped:
        if courier.refusal(plain_get(path)):
            return None
        raise
