"""Makes the table of who got what from what a scan noted, and asks for the reading cells that are still empty."""

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from stopper.core.app import App, Route
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped
from stopper.scan.merge import template_pattern
from stopper.scan.reached import NOBODY, STATES, Cell, Reached, State
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.survey import ENDS_ACCESS, is_static
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.reach_log import ReachLog

FILL_MOST: Final = 60
"""Requests that only fill cells of the table."""


def table(app: App, log: ReachLog) -> tuple[Reached, ...]:
    """One row for each route-method that somebody asked, in the order of paths and methods."""
    patterns = _patterns(app)
    rows: dict[RouteRef, dict[str, dict[State, set[int]]]] = {}
    for (method, path, who), states in log.seen().items():
        ref = _ref_of(patterns, method, path)
        if ref is None:
            continue
        held = rows.setdefault(ref, {}).setdefault(who, {})
        for state, statuses in states.items():
            held.setdefault(state, set()).update(statuses)
    order = sorted(rows, key=lambda ref: (ref.path, ref.method))
    return tuple(Reached(ref, _cells(rows[ref])) for ref in order)


def fill(app: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity], most: int) -> None:
    """Ask what only reads as everybody who has not asked it yet, with *most* requests at the most."""
    known = {row.ref: row for row in table(app, courier.reach)}
    for route in app.routes:
        if is_static(route.endpoint, route.path) or "GET" not in route.methods or ENDS_ACCESS.search(route.path):
            continue
        row = known.get(RouteRef("GET", route.path))
        for person in (None, *people):
            if row is not None and row.state(person.name if person else NOBODY) is not None:
                continue
            if most <= 0:
                return
            most -= 1
            request = honest(route, "GET")
            with contextlib.suppress(Skipped):
                response = courier.carry(person.on(request) if person else request).response
                if response.error or response.status == 429:
                    return  # the API has had enough


def _cells(found: Mapping[str, Mapping[State, Iterable[int]]]) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            who,
            next(state for state in STATES if state in found[who]),
            tuple(sorted({status for statuses in found[who].values() for status in statuses})),
        )
        for who in sorted(found)
    )


def _patterns(app: App) -> list[tuple[Route, re.Pattern[str]]]:
    """The routes, those with the fewest parameters first: ``/users/me`` is not an instance of ``/users/{name}``."""
    routes = [route for route in app.routes if not is_static(route.endpoint, route.path)]
    routes.sort(key=lambda route: (route.path.count("{"), -len(route.path)))
    return [(route, template_pattern(route.path, dict(route.parameters))) for route in routes]


def _ref_of(patterns: Sequence[tuple[Route, re.Pattern[str]]], method: str, path: str) -> RouteRef | None:
    for route, pattern in patterns:
        if pattern.fullmatch(path):
            ref = next((ref for ref in route.refs() if ref.method == method), None)
            if ref is not None:
                return ref
    return None
