"""What things are called by that are not counted from one: usual first numbers, and the administrator, tried where no list tells an id."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.naming import as_parameter
from stopper.core.probe import Skipped
from stopper.core.probing.baseline import is_door, steady
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier

FIRST: Final = ("101", "1001", "100", "1000", "2")
"""What teaching and samples number their first thing by where that is not 1, the most frequent first; last the one after a first that is gone."""
CALLED: Final = ("admin",)
"""Who is there in most applications, by name."""
KINDS_MOST: Final = 3
"""Kinds of things that are asked for by number, and as many by name."""
_NUMBERED: Final = re.compile(r"(^|_)(id|no|number|num)$")
_READ: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def called_otherwise(app: App, courier: Courier, honest: HonestRequests) -> dict[str, dict[str, str]]:
    """Route path → parameter → value, for things of which none is called 1 and one by a usual number or name. Nobody asks, and only what reads is
    asked so from then on: what changes things is sent to none that was there."""
    found: dict[str, dict[str, str]] = {}
    readings = list(_readings(app, honest))
    numbered = [one for one in readings if _is_numbered(*one)]
    for kind, values in ((numbered, FIRST), ([one for one in readings if one not in numbered], CALLED)):
        for route, name in kind[:KINDS_MOST]:
            value = _value_of(route, name, values, courier, honest)
            if value is not None:
                head = route.path.partition("}")[0]
                alike = [
                    one for one in app.routes if one.path.startswith(f"{head}}}") and _READ.issuperset(one.methods)
                ]
                found.update({one.path: {name: value} for one in alike})
    return found


def _readings(app: App, honest: HonestRequests) -> Iterator[tuple[Route, str]]:
    """One reading of each kind of things of which nobody has told an id."""
    kinds: set[str] = set()
    for route in app.routes:
        head = route.path.partition("}")[0]
        if not _READ.issuperset(route.methods) or "GET" not in route.methods or len(route.parameters) != 1:
            continue
        name, kind = route.parameters[0]
        told = honest.harvest.get(route.path, {}).get(name) or honest.own.get(as_parameter(name))
        if (
            not told
            and head not in kinds
            and name not in route.examples
            and not is_door(route)
            and kind not in ("path", "uuid")
        ):
            kinds.add(head)
            yield route, name


def _is_numbered(route: Route, name: str) -> bool:
    return route.parameters[0][1] == "int" or _NUMBERED.search(as_parameter(name)) is not None


def _value_of(route: Route, name: str, values: tuple[str, ...], courier: Courier, honest: HonestRequests) -> str | None:
    """The first of *values* under which something is read that is not read under 1."""
    try:
        first = courier.carry(honest(route, "GET")).response
        if first.error or first.refused or (values is FIRST and first.status != 404):
            return None
        for value in values:
            honest.harvest[route.path] = {name: value}
            answer = courier.carry(honest(route, "GET")).response
            if answer.succeeded and not _says_the_same(answer, value, first):
                return value
    except Skipped:
        pass
    honest.harvest.pop(route.path, None)
    return None


def _says_the_same(answer: Response, value: str, first: Response) -> bool:
    """Whether an answer only says another word than the first, which was about 1."""
    said = [steady(one.text.replace(value, "").replace("1", "")) for one in (answer, first)]
    return first.status == answer.status and said[0] == said[1]
