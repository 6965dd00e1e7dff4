"""Ids of real things: read from the lists that an API gives, so that probes ask for things that exist."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, cast

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.naming import as_parameter
from stopper.core.owner_names import PERSON
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.baseline import is_door
from stopper.core.probing.things.objects import entries, own_id_names
from stopper.scan.surface.honest import USUAL_FIELDS, HonestRequests
from stopper.scan.wire.courier import Courier

_ID_NAMES: Final = ("id", "uuid", "_id", "slug", "key", "uid")
_CALLED: Final = ("serial", "number", "code", "reference", "sku", "name")
"""What things are called by that have no id."""
_ABOUT: Final = re.compile(
    r"(?i)(^|_)(label|labels|column|columns|title|description|schema|links?|meta|paging|pagination|filters?)($|_)"
)
"""Members that say something about the things and hold none."""

_OF_ITSELF: Final = re.compile(
    r"(^|_)(id|uuid|pk|hash|token|slug)$|^(created|updated|modified|owner|author|user|username|status|url|links?|self)|_(at|on|by)$|role|admin|passw"
)
"""Members that whoever makes a thing does not say."""
LIKE_MOST: Final = 12


def harvested(
    app: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity]
) -> dict[str, dict[str, str]]:
    """Route path → parameter → value, seen in the list beside it. In mode active one thing is created where the list is empty, and first of
    all where such things are changed by their ids: what was there is left alone."""
    found: dict[str, dict[str, str]] = {}
    who = people[0] if people else None
    seen: dict[tuple[tuple[str, ...], str], str | None] = {}
    for route in app.routes:
        if len(route.parameters) != 1 or route.path.count("{") != 1:
            continue
        name = route.parameters[0][0]
        base = route.path.partition("/{")[0]
        lists = [known for known in app.routes if known.path.rstrip("/") == base] or _lists_nearby(app, base)
        key = (tuple(dict.fromkeys(known.path for known in lists)), name)
        if key not in seen:  # several routes of one thing stand beside the same list
            seen[key] = _first_id(lists, name, courier, honest, who, own=_is_changed(app, route, who))
        if (value := seen[key]) is not None:
            found[route.path] = {name: value}
    return found


def _lists_nearby(app: App, base: str) -> list[Route]:
    """Where the things are listed whose own path is singular: ``/vehicles`` or ``/vehicle/vehicles`` of ``/vehicle/{id}``."""
    places = {f"{base}s", f"{base}/{base.rpartition('/')[2]}s"}
    return [one for one in app.routes if one.path.rstrip("/") in places and "GET" in one.methods and not one.parameters]


def _first_id(
    lists: Sequence[Route], parameter: str, courier: Courier, honest: HonestRequests, who: Identity | None, *, own: bool
) -> str | None:
    """``own`` says that a thing of the scan's own is wanted before one that was there."""
    known = _learn_likes(lists, courier, honest, who)
    made = _one_each(lists, "POST") if courier.mode == "active" else []
    for route in made if own else ():
        if (new := _ask(route, "POST", parameter, courier, honest, who)) is not None:
            return new
    for route in _one_each(lists, "GET"):
        if route.path in known:
            seen = next(ids_in(known[route.path], parameter), None)
        else:
            seen = _ask(route, "GET", parameter, courier, honest, who)
        if seen is not None:
            return seen
    for route in made:
        if (new := _created(route, parameter, courier, honest, who)) is not None:
            return new
    return None


def _learn_likes(
    lists: Sequence[Route], courier: Courier, honest: HonestRequests, who: Identity | None
) -> dict[str, Response]:
    """Where no reader knows what a thing is made of, it is made of what things of its kind show. The list that was read, by its path."""
    makers = [one for one in lists if "POST" in one.methods]
    shown = next((one for one in lists if "GET" in one.methods), None)
    told = any(one.request_schema or one.fields or honest.learned.get(one.path) for one in makers)
    if not makers or shown is None or told:
        return {}
    request = honest(shown, "GET")
    try:
        response = courier.carry(who.on(request) if who is not None else request).response
    except Skipped:
        return {}
    nothing: dict[str, object] = {}
    first = next(iter(entries(response.json())), nothing) if response.succeeded else nothing
    kept = {
        name: value
        for name, value in first.items()
        if isinstance(value, (str, int, float)) and name.isidentifier() and not _OF_ITSELF.search(as_parameter(name))
    }
    if kept:
        honest.like[shown.path.rstrip("/")] = dict(list(kept.items())[:LIKE_MOST])
    return {shown.path: response} if response.succeeded else {}


def _is_changed(app: App, route: Route, who: Identity | None) -> bool:
    """Whether things of this kind are changed by their ids; accounts only where nobody has one to log in with, so that no one is mistaken for it."""
    base = route.path.partition("{")[0]
    if (PERSON.search(base) and who is not None) or is_door(route):
        return False
    return any(one.path.startswith(f"{base}{{") and not {"GET"}.issuperset(one.methods) for one in app.routes)


def _one_each(lists: Sequence[Route], method: str) -> list[Route]:
    """Those that take the method, each path once."""
    return list({route.path: route for route in reversed(lists) if method in route.methods}.values())


def _created(
    collection: Route, parameter: str, courier: Courier, honest: HonestRequests, who: Identity | None
) -> str | None:
    """The id of a new thing. Where the fields that are known do not suffice, the usual ones are added and remembered."""
    made = _ask(collection, "POST", parameter, courier, honest, who)
    if made is None and collection.request_schema is None:
        known = honest.learned.get(collection.path, ())
        honest.learned[collection.path] = (*known, *USUAL_FIELDS)
        made = _ask(collection, "POST", parameter, courier, honest, who)
        if made is None:
            honest.learned[collection.path] = known
    return made


def _ask(
    route: Route, method: str, parameter: str, courier: Courier, honest: HonestRequests, who: Identity | None
) -> str | None:
    request = honest(route, method)
    try:
        response = courier.carry(who.on(request) if who is not None else request).response
    except Skipped:
        return None
    return next(ids_in(response, parameter), None) if response.succeeded else None


def ids_in(response: Response, parameter: str) -> Iterator[str]:
    """The ids of the things in an answer: a list, a list under one name, or one thing."""
    names = (parameter, *_ID_NAMES)
    stack: list[object] = [response.json()]
    for _ in range(200):
        if not stack:
            return
        value = stack.pop(0)
        if isinstance(value, list):
            stack.extend(cast("list[object]", value)[:20])
        elif isinstance(value, dict):
            members = cast("dict[str, object]", value)
            for name in (*names, *own_id_names(members), *_CALLED):
                known = members.get(name)
                if (
                    isinstance(known, (str, int))
                    and not isinstance(known, bool)
                    and re.fullmatch(r"[\w.@:-]{1,128}", str(known))
                ):
                    yield str(known)
                    break
            else:
                inner = [one for key, one in members.items() if not _ABOUT.search(key)]
                stack.extend(sorted(inner, key=lambda one: not isinstance(one, list)))  # things stand in lists
