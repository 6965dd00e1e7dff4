"""Routes of one thing that nobody has named: what somebody makes is read below its collection, and its answer says what is done to it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast
from urllib.parse import quote

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.owner_names import OWN_ACCOUNT
from stopper.core.probe import Identity, Steps, Target, own, send, undo
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.things.kinds import new_id
from stopper.core.probing.things.known import Known, known_to
from stopper.core.probing.things.nouns import alike, noun_of
from stopper.core.probing.things.objects import inner_object, marked
from stopper.core.probing.things.read_below import unknown
from stopper.core.probing.things.references import made_with

COLLECTIONS_MOST: Final = 4
THINGS_MOST: Final = 3
LISTS_MOST: Final = 2
CALLED_MOST: Final = 3
"""Names of one thing by which it is asked for."""
_OTHERS: Final = ("slug", "uuid", "uid", "key", "code", "reference", "name", "handle")
_WORDS: Final[tuple[tuple[str, str], ...]] = (
    (r"account|card|wallet|loan|transaction", "transactions balance statement freeze history"),
    (r"post|article|thread|blog|stor(y|ies)|photo|video", "comments preview publish like"),
    (r"order|invoice|booking|parcel|shipment|deliver|trip|ride|cart|appointment|reservation|visit|lesson|rental", "items status cancel invoice label"),
    (r"file|document|folder|report|note|result|labs?$|prescription|record|certificate|payslip|statement", "download share content comments pdf"),
    (r"ticket|task|issue|project|board|team|group", "comments members status attachments"),
    (r"chat|conversation|channel|room", "messages members share"),
    (r"user|member|patient|customer|student|employee", "orders notes history records"),
)  # fmt: skip
"""What is often done to a thing, or kept below it, by what it is called."""
_OF_ALL: Final = "comments items history status close cancel share"
_ACCEPT: Final = (("Accept", "application/json"),)
_CHANGES: Final = ("PUT", "PATCH", "DELETE")
_METHODS: Final = ("GET", "POST", *_CHANGES)


def with_items(target: Target, alice: Identity) -> Steps[Target]:
    """*target* with the routes of what Alice can make in collections of which no document and no text names more."""
    found: list[Route] = []
    for create in list(_collections(target))[:COLLECTIONS_MOST] if target.mode == "active" else ():
        found += (yield from attempt(_items(target, create, alice))) or []
    for thing in list(_things(target))[:THINGS_MOST]:
        found += (yield from attempt(_below_a_thing(target, thing, alice))) or []
    found += (yield from attempt(_of_what_is_named(target, alice))) or []
    return replace(target, app=replace(target.app, routes=(*target.app.routes, *found))) if found else target


def _things(target: Target) -> Iterator[Route]:
    """Routes of one thing that only the wire has told, with nothing below them."""
    for route in target.app.routes:
        path = route.path.rstrip("/")
        alone = len(route.parameters) == 1 and path.count("{") == 1 and path.endswith("}") and "GET" in route.methods
        bare = not any(one.path.startswith(f"{path}/") for one in target.app.routes)
        if alone and bare and route.readers == frozenset({"wire"}) and not OWN_ACCOUNT.search(path):
            yield route


def _below_a_thing(target: Target, thing: Route, alice: Identity) -> Steps[list[Route]]:
    request = target.request_for(thing, "GET")
    seen = yield from send(alice.on(request))
    if not seen.response.succeeded:
        return []
    below = yield from usual_below(alice, request.target.partition("?")[0])
    return [replace(thing, path=thing.path.rstrip("/") + rest, methods=methods) for rest, methods in below.items()]


def _of_what_is_named(target: Target, alice: Identity) -> Steps[list[Route]]:
    """Where only the wire tells routes: what is done to an entry of a list of which nothing takes the id, and what an answer names by its
    noun alone (``/patients/2`` of ``patient_id``)."""
    if any(one.readers - {"wire"} for one in target.app.routes):
        return []
    found: list[Route] = []
    for one in _listed_alone(target, (yield from known_to(target, alice))):
        place = f"{one.seen.request.target.partition('?')[0].rstrip('/')}/{quote(one.text, safe='')}"
        below = yield from usual_below(alice, place)
        path = f"{place.rpartition('/')[0]}/{{id}}"
        found += [_named_route(path + rest, one, methods) for rest, methods in below.items()]
    for one in _referred_to(target, (yield from known_to(target, alice))):
        prefix = one.seen.request.target.partition("?")[0].rstrip("/").rpartition("/")[0]
        noun = min(one.nouns, key=len).replace("_", "-")
        place = f"{prefix}/{noun}s"
        seen = yield from send(alice.on(Request("GET", f"{place}/{quote(one.text, safe='')}", _ACCEPT)))
        if seen.response.succeeded and inner_object(seen.response.json()):
            nobodys = yield from send(alice.on(Request("GET", f"{place}/{unknown(one.text)}", _ACCEPT)))
            found += [] if nobodys.response.succeeded else [_named_route(f"{place}/{{id}}", one, ("GET",))]
    return found


def _named_route(path: str, one: Known, methods: tuple[str, ...]) -> Route:
    kind = "int" if one.text.isdigit() else "string"
    return Route(path, methods, parameters=(("id", kind),), readers=frozenset({"wire"}))


def _listed_alone(target: Target, known: list[Known]) -> list[Known]:
    """One entry of each list of which no route takes the id."""
    taken = {one.path.partition("/{")[0] for one in target.app.routes if one.parameters}
    found: dict[str, Known] = {}
    for one in known:
        path = one.seen.request.target.partition("?")[0].rstrip("/")
        if one.of_itself and one.seen.request.method == "GET" and path not in taken and not OWN_ACCOUNT.search(path):
            found.setdefault(path, one)
    return list(found.values())[:LISTS_MOST]


def _referred_to(target: Target, known: list[Known]) -> list[Known]:
    """One thing of each noun that answers name by an id and no route shows."""
    shown = [noun_of(one.path) for one in target.app.routes]
    found: dict[frozenset[str], Known] = {}
    for one in known:
        if not one.of_itself and one.nouns and not any(alike(one.nouns, each) for each in shown):
            found.setdefault(one.nouns, one)
    return list(found.values())[:LISTS_MOST]


def _collections(target: Target) -> Iterator[Route]:
    read = {one.path.rstrip("/") for one in target.app.routes if "GET" in one.methods}
    for route in target.app.routes:
        path = route.path.rstrip("/")
        plain = "POST" in route.methods and not route.parameters and not is_door(route) and path in read
        known = route.request_schema is not None or any(one.path.startswith(f"{path}/{{") for one in target.app.routes)
        if plain and path and not known and not OWN_ACCOUNT.search(path):
            yield route


def _items(target: Target, create: Route, alice: Identity) -> Steps[list[Route]]:
    request, marks = marked(target.request_for(create, "POST"), target.canary)
    made = yield from made_with(target, create, request, alice)
    base = request.target.partition("?")[0].rstrip("/")
    for name, number in list(_called(made))[:CALLED_MOST]:
        place = f"{base}/{quote(number, safe='')}"
        seen = yield from send(alice.on(Request("GET", place, _ACCEPT)))
        if seen.response.succeeded and number in seen.response.text:
            nobodys = yield from send(alice.on(Request("GET", f"{base}/{unknown(number)}", _ACCEPT)))
            return (
                [] if nobodys.response.succeeded else (yield from _at(create, alice, made, marks, seen, name, number))
            )
    return []


def _called(made: Exchange) -> Iterator[tuple[str, str]]:
    """What a thing that was made may be called by in a path: its id, then the other names that are meant for it."""
    if not made.response.succeeded:
        return
    if (number := new_id(made, "id")) is not None:
        yield "id", number
    said = inner_object(made.response.json())
    yield from (
        (name, text)
        for name in _OTHERS
        if isinstance(text := said.get(name), str) and 0 < len(text) <= 128 and text != number
    )


def _at(
    create: Route, alice: Identity, made: Exchange, marks: dict[str, str], seen: Exchange, name: str, number: str
) -> Steps[list[Route]]:
    """The routes of the thing that was *seen* under its *number*."""
    place = seen.request.target
    told = yield from send(alice.on(Request("OPTIONS", place, _ACCEPT)))
    allowed = {word.strip().upper() for word in (told.response.header("Allow") or "").split(",")}
    methods = ("GET", *(one for one in _CHANGES if one in allowed))
    if any(mark in seen.response.text for mark in marks.values()):
        yield from own(place, made.request)
        if "DELETE" in methods:
            yield from undo(alice.on(Request("DELETE", place, _ACCEPT, b"", "write")))
    path = f"{create.path.rstrip('/')}/{{{name}}}"
    routes = {"": methods, **{rest: (method,) for rest, method in _below(place, made, seen)}}
    routes |= yield from usual_below(alice, place)
    parameters = ((name, "int" if number.isdigit() else "string"),)
    return [
        Route(path + rest, some, parameters=parameters, readers=frozenset({"wire"})) for rest, some in routes.items()
    ]


def usual_below(alice: Identity, place: str) -> Steps[dict[str, tuple[str, ...]]]:
    """What is often done to a thing, or kept below it, and is there: the methods that a server takes at each word."""
    found: dict[str, tuple[str, ...]] = {}
    nothing = yield from send(alice.on(Request("OPTIONS", f"{place}/stopper-none", _ACCEPT)))
    words = words_below(place.rstrip("/").rpartition("/")[0].rpartition("/")[2])
    for word in words if nothing.response.status == 404 else ():
        told = yield from send(alice.on(Request("OPTIONS", f"{place}/{word}", _ACCEPT)))
        allowed = {one.strip().upper() for one in (told.response.header("Allow") or "").split(",")}
        methods = tuple(one for one in _METHODS if one in allowed)
        if told.response.status != 404 and methods:
            found[f"/{word}"] = methods
    return found


def words_below(noun: str) -> list[str]:
    """What is often done to things that are called *noun*, or kept below them."""
    return next((words for sign, words in _WORDS if re.search(sign, noun)), _OF_ALL).split()


def _below(place: str, *answers: Exchange) -> Iterator[tuple[str, str]]:
    """What answers name below the thing, with the method that stands beside the address."""
    for answer in answers:
        for address, method in _addresses(answer.response.json(), 4):
            if address.startswith(f"{place}/") and "{" not in address:
                yield address.removeprefix(place).partition("?")[0], method


def _addresses(value: object, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth:
        said = cast("dict[str, object]", value)
        method = str(said.get("method") or said.get("type") or "GET").upper()
        for item in said.values():
            if isinstance(item, str) and item.startswith("/"):
                yield item, method if method in _METHODS else "GET"
            else:
                yield from _addresses(item, depth - 1)
    if isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:20]:
            yield from _addresses(item, depth - 1)
