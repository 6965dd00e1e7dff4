"""Members that name a thing of another kind (``address_id``): what a request wants to be there before it makes something."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probe_inputs import members
from stopper.core.probe_kinds import Kind, kinds, new_id
from stopper.core.probe_objects import entries, ids, inner_object, marked
from stopper.core.probe_own_values import says_whose

_WHICH: Final = ("id", "uuid", "no", "number", "code", "serial", "slug", "key", "ref", "sku")
REFUSED: Final = (400, 404, 409, 422)
"""How a server says that a body does not do."""
GUESSES_MOST: Final = 3
"""Other kinds of things of which one is named where nobody knows the body."""


def references(target: Target, create: Route, said: dict[str, object]) -> Iterator[tuple[str, Kind]]:
    """The members that name a thing of another kind, which people make themselves, with that kind."""
    for name, kind in _named(target, create, said):
        if kind.create_route is not None:
            yield name, kind


def filled(target: Target, create: Route, request: Request, who: Identity) -> Steps[Request]:
    """*request* with what *who* has wherever it names another thing: an entry of the list of such things, else a new one."""
    said = members(request)
    for name, kind in _named(target, create, said):
        number = yield from _one_of(target, kind, who)
        said[name] = said[name] if number is None else number
    return replace(request, body=json.dumps(said).encode()) if said != members(request) else request


def made_with(target: Target, create: Route, request: Request, who: Identity) -> Steps[Exchange]:
    """The answer to *request*; where it is refused, to the same with what *who* has wherever it names another thing, or may name one."""
    answer = yield from send(who.on(request))
    if answer.response.status not in REFUSED:
        return answer
    better = yield from filled(target, create, request, who)
    if better == request and create.request_schema is None:
        better = yield from _with_guesses(target, create, request, who)
    return (yield from send(who.on(better))) if better != request else answer


def _with_guesses(target: Target, create: Route, request: Request, who: Identity) -> Steps[Request]:
    """*request* with the id of one thing of each other kind: nobody knows what its body must say."""
    said = members(request)
    for kind in [one for one in kinds(target) if one.list_route is not None and one.create_route != create][
        :GUESSES_MOST
    ]:
        noun = as_parameter(kind.base.rpartition("/")[2])
        one = f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
        number = yield from _one_of(target, kind, who)
        if number is not None:
            said.setdefault(f"{one}_id", number)
    return replace(request, body=json.dumps(said).encode()) if said != members(request) else request


def _named(target: Target, create: Route, said: dict[str, object]) -> Iterator[tuple[str, Kind]]:
    for name in said:
        noun, _, which = as_parameter(name).rpartition("_")
        for kind in kinds(target) if which in _WHICH and noun and not says_whose(name) else ():
            thing = as_parameter(kind.base.rpartition("/")[2])
            if thing in (noun, f"{noun}s", f"{noun}es", f"{noun[:-1]}ies") and kind.create_route != create:
                yield name, kind


def _one_of(target: Target, kind: Kind, who: Identity) -> Steps[object]:
    """The id of a thing of that kind, as the answer that says it spells it."""
    if kind.list_route is not None:
        listed = yield from send(who.on(target.request_for(kind.list_route, "GET")))
        for entry in entries(listed.response.json()):
            for one in ids(entry, kind.parameter):
                return _as_said(entry, one)
    if target.mode != "active" or kind.create_route is None:
        return None
    made = yield from send(who.on(marked(target.request_for(kind.create_route, "POST"), target.canary)[0]))
    number = new_id(made, kind.parameter) if made.response.succeeded else None
    return _as_said(inner_object(made.response.json()), number) if number is not None else None


def _as_said(entry: dict[str, object], number: str) -> object:
    return next((value for value in entry.values() if isinstance(value, int) and str(value) == number), number)
