"""Numbers with which things often begin that are not counted from one: tried where nothing stands under 1 and no list tells an id."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.naming import as_parameter
from stopper.core.probe import Skipped
from stopper.core.probe_baseline import is_door
from stopper.scan.honest import HonestRequests
from stopper.scan.wire.courier import Courier

FIRST: Final = ("101", "1001", "100", "1000", "2")
"""What teaching and samples number their first thing by where that is not 1, the most frequent first; last the one after a first that is gone."""
KINDS_MOST: Final = 3
"""Kinds of things that are asked for so."""
_NUMBERED: Final = re.compile(r"(^|_)(id|no|number|num)$")


def numbered_otherwise(app: App, courier: Courier, honest: HonestRequests) -> dict[str, dict[str, str]]:
    """Route path → parameter → number, for things of which none is called 1 and one by another usual first number. Only what reads is asked, by
    nobody, and what stands beside it in an address is known by the same number."""
    found: dict[str, dict[str, str]] = {}
    for route, name in list(_readings(app, honest))[:KINDS_MOST]:
        number = _number_of(route, name, courier, honest)
        if number is not None:
            head = route.path.partition("}")[0]
            found.update({one.path: {name: number} for one in app.routes if one.path.startswith(f"{head}}}")})
    return found


def _readings(app: App, honest: HonestRequests) -> Iterator[tuple[Route, str]]:
    """One reading of each kind of things that are known by a number."""
    kinds: set[str] = set()
    for route in app.routes:
        head = route.path.partition("}")[0]
        if "GET" not in route.methods or len(route.parameters) != 1 or is_door(route) or head in kinds:
            continue
        name, kind = route.parameters[0]
        told = honest.harvest.get(route.path, {}).get(name) or honest.own.get(as_parameter(name))
        if not told and (kind == "int" or _NUMBERED.search(as_parameter(name))) and name not in route.examples:
            kinds.add(head)
            yield route, name


def _number_of(route: Route, name: str, courier: Courier, honest: HonestRequests) -> str | None:
    """The first of the usual numbers under which something is read; None where that is 1, or nothing is."""
    request = honest(route, "GET")
    try:
        if courier.carry(request).response.status != 404:
            return None
        for number in FIRST:
            honest.harvest[route.path] = {name: number}
            if courier.carry(honest(route, "GET")).response.succeeded:
                return number
    except Skipped:
        pass
    honest.harvest.pop(route.path, None)
    return None
