"""Routes of one thing that nobody has named: what somebody makes is read below its collection, and its answer says what is done to it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast
from urllib.parse import quote

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.owner_names import OWN_ACCOUNT
from stopper.core.probe import Identity, Steps, Target, own, send, undo
from stopper.core.probe_baseline import attempt, is_door
from stopper.core.probe_foreign import unknown
from stopper.core.probe_kinds import new_id
from stopper.core.probe_objects import marked
from stopper.core.probe_references import made_with

COLLECTIONS_MOST: Final = 4
_ACCEPT: Final = (("Accept", "application/json"),)
_CHANGES: Final = ("PUT", "PATCH", "DELETE")
_METHODS: Final = ("GET", "POST", *_CHANGES)


def with_items(target: Target, alice: Identity) -> Steps[Target]:
    """*target* with the routes of what Alice can make in collections of which no document and no text names more."""
    found: list[Route] = []
    for create in list(_collections(target))[:COLLECTIONS_MOST] if target.mode == "active" else ():
        found += (yield from attempt(_items(target, create, alice))) or []
    return replace(target, app=replace(target.app, routes=(*target.app.routes, *found))) if found else target


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
    number = new_id(made, "id") if made.response.succeeded else None
    if number is None:
        return []
    base = request.target.partition("?")[0].rstrip("/")
    place = f"{base}/{quote(number, safe='')}"
    seen = yield from send(alice.on(Request("GET", place, _ACCEPT)))
    nobodys = yield from send(alice.on(Request("GET", f"{base}/{unknown(number)}", _ACCEPT)))
    if not seen.response.succeeded or number not in seen.response.text or nobodys.response.succeeded:
        return []
    told = yield from send(alice.on(Request("OPTIONS", place, _ACCEPT)))
    allowed = {word.strip().upper() for word in (told.response.header("Allow") or "").split(",")}
    methods = ("GET", *(one for one in _CHANGES if one in allowed))
    if any(mark in seen.response.text for mark in marks.values()):
        yield from own(place, made.request)
        if "DELETE" in methods:
            yield from undo(alice.on(Request("DELETE", place, _ACCEPT, b"", "write")))
    path = f"{create.path.rstrip('/')}/{{id}}"
    routes = {"": methods, **{rest: (method,) for rest, method in _below(place, made, seen)}}
    parameters = (("id", "int" if number.isdigit() else "string"),)
    return [
        Route(path + rest, some, parameters=parameters, readers=frozenset({"wire"})) for rest, some in routes.items()
    ]


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
