"""What a thing costs is said by who takes it: a price beside the id of a thing that is listed with another one."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.baseline import attempt, first_failed, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.things.objects import entries, ids, plain_members

ROUTES_MOST: Final = 2
LISTS_MOST: Final = 4
"""Lists in which things with a price are looked for, and in which what was taken is read again."""
_PRICE: Final = re.compile(r"(unit_?|item_?|total_?|sub_?|final_?)?(price|total|cost|amount)")
_THING: Final = re.compile(
    r"(product|item|book|course|ticket|dish|menu_?item|plan|event|movie|article|sku|pizza|food)s?(_?id)?"
)
"""What is taken, as members are spelled."""
_MANY: Final = re.compile(r"(?i)^(quantity|qty|count|number)$")
_TAKEN: Final = re.compile(r"(?i)(^|/)(carts?|baskets?|orders?|bookings?|purchases?|bag|reservations?)(/|$)")
ODD: Final = 0.37
"""A price that nothing has."""


def asked(target: Target, who: Identity) -> Steps[Verdict | None]:
    """The verdict on the first route that takes a thing for the price that the caller says; None where none is known."""
    takers = list(_takers(target))[:ROUTES_MOST]
    return (yield from first_failed(_taken(target, route, price, thing, who) for route, price, thing in takers))


def _takers(target: Target) -> Iterator[tuple[Route, str, str]]:
    """The routes that take a thing by its id, each with the names of its price, told or not, and of the thing in the body."""
    for route in target.app.routes:
        if "POST" in route.methods and not route.parameters and not is_door(route):
            names = members(target.request_for(route, "POST"))
            price = next((one for one in names if _PRICE.fullmatch(as_parameter(one))), None)
            thing = next((one for one in names if _THING.fullmatch(as_parameter(one))), None)
            if thing is not None and (price is not None or _TAKEN.search(route.path)):
                yield route, price or "price", thing


def _lists(target: Target) -> list[Route]:
    return [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]


def _listed(target: Target, thing: str, who: Identity) -> Steps[tuple[Exchange, str] | None]:
    """A list of things with a price, and the id of the first one."""
    noun = re.sub(r"s?(_?id)?$", "", as_parameter(thing))
    routes = sorted(_lists(target), key=lambda one: noun not in one.path.lower())
    for route in [one for one in routes if not _TAKEN.search(one.path)][:LISTS_MOST]:
        seen = yield from attempt(send(who.on(target.request_for(route, "GET"))))
        for entry in entries(seen.response.json()) if seen is not None and seen.response.succeeded else ():
            number = next(ids(entry, thing), None) or next(ids(entry, "id"), None)
            if seen is not None and number is not None and any(_costs(*one) for one in entry.items()):
                return seen, number
    return None


def _costs(name: str, value: object) -> bool:
    return isinstance(value, (int, float)) and value > 1 and _PRICE.fullmatch(as_parameter(name)) is not None


def _taken(target: Target, route: Route, price: str, thing: str, who: Identity) -> Steps[Verdict | None]:
    """The thing is taken for an odd price, and what was taken shows that price where nothing did before."""
    known = yield from _listed(target, thing, who)
    if known is None:
        return None
    listed, number = known
    honest = target.request_for(route, "POST")
    said = members(honest)
    as_number: object = int(number) if isinstance(said[thing], int) or number.isdigit() else number
    body = {**said, thing: as_number, price: ODD, **{name: 1 for name in said if _MANY.search(name)}}
    reads = [one for one in _lists(target) if _TAKEN.search(one.path)][:LISTS_MOST]
    if any(_says_odd(one) for one in (yield from _read(target, reads, who))):
        return None
    taken = yield from send(who.on(replace(honest, body=json.dumps(body).encode())))
    ref = RouteRef("POST", route.path)
    if not taken.response.succeeded:
        return passed(f"{ref} does not take what it is sent")
    shown = next((one for one in (yield from _read(target, reads, who)) if _says_odd(one)), None)
    if shown is None:
        return passed(f"{ref} works out the price itself")
    evidence = (
        Evidence("exchange", "control: what the thing costs", listed),
        Evidence("exchange", "it is taken for another price, which the caller says", taken),
        Evidence("exchange", "read again, it costs that", shown),
    )
    return failed(f"{ref} takes {price} from the caller, for a thing that costs something else", (ref,), evidence)


def _read(target: Target, routes: list[Route], who: Identity) -> Steps[list[Exchange]]:
    found: list[Exchange] = []
    for route in routes:
        request: Request = target.request_for(route, "GET")
        seen = yield from attempt(send(who.on(request)))
        found += [seen] if seen is not None and seen.response.succeeded else []
    return found


def _says_odd(seen: Exchange) -> bool:
    return any(
        value == ODD and _PRICE.fullmatch(as_parameter(name)) for name, value in plain_members(seen.response.json())
    )
