"""What is Alice's is asked for below a thing of Bob's: ``/orgs/8/projects/5/members`` with his organization and her project. The guard judges the first
id, and the second is anybody's."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.baseline import alike, attempt, same_but_for_the_caller, steady
from stopper.core.probing.things import foreign
from stopper.core.probing.things.id_elsewhere import stands_elsewhere
from stopper.core.probing.things.kinds import Kind, Thing, at_number, entry_of
from stopper.core.probing.things.objects import entries, ids, marked
from stopper.core.probing.things.read_below import same_whatever, unknown

ROUTES_MOST: Final = 5
Place = tuple[Target, str]
"""The routes below one thing as if there were no others, and its path."""


def asked(hers: Place, his: Place, kind: Kind, told: set[str], alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """The verdicts on what reads a part of hers, changes or deletes it there; what is *told* by its method and path is not asked again."""
    found: list[Verdict] = []
    pairs = [pair for pair in _pairs(kind) if f"{pair[1]} {pair[0].path}" not in told][:ROUTES_MOST]
    thing = (yield from foreign.made(hers[0], kind, alice, bob)) if pairs else None
    own = thing is not None
    thing = thing or ((yield from _had(hers[0], kind, alice)) if pairs else None)
    for route, method in pairs:
        if thing is None or (method != "GET" and not own):
            continue
        steps = _read if method == "GET" else _changed
        verdict = yield from attempt(steps(hers, his, kind, thing, route, method, alice, bob))
        found += [verdict] if verdict is not None else []
        if verdict is not None and method == "DELETE":
            break
    return found


def _pairs(kind: Kind) -> Iterator[tuple[Route, str]]:
    """What looks, then what changes, and what deletes at last; the reading of the thing itself is another question."""
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        for route in kind.members:
            if method in route.methods and not stands_elsewhere(route) and (method != "GET" or route is not kind.thing):
                yield route, method


def _had(target: Target, kind: Kind, alice: Identity) -> Steps[Thing | None]:
    """The first thing of her list, where none can be made."""
    if kind.list_route is None:
        return None
    listed = yield from send(alice.on(target.request_for(kind.list_route, "GET")))
    first = next((number for entry in entries(listed.response.json()) for number in ids(entry, kind.parameter)), None)
    return Thing(first, listed, shared=False, private=True) if first is not None else None


def _there(place: Place, his: Place, route: Route) -> Route:
    return replace(route, path=his[1] + route.path.removeprefix(place[1]))


def _read(
    hers: Place, his: Place, kind: Kind, thing: Thing, route: Route, method: str, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    own = yield from send(alice.on(at_number(hers[0], route, thing.number, method)))
    there = _there(hers, his, route)
    read = at_number(his[0], there, thing.number, method)
    anonymous, mixed = (yield from send(read)), (yield from send(bob.on(read)))
    if not own.response.succeeded or not mixed.response.succeeded or alike(mixed.response, anonymous.response):
        return None
    nobodys = yield from send(bob.on(at_number(his[0], there, unknown(thing.number), method)))
    shut = yield from send(bob.on(own.request))
    if not same_but_for_the_caller(own.response, mixed.response) or shut.response.succeeded:
        return None
    if same_whatever(nobodys, unknown(thing.number), mixed, thing.number):
        return None
    ref = RouteRef(method, route.path)
    evidence = (
        Evidence("exchange", "control: alice reads it below what is hers", own),
        Evidence("exchange", "control: there bob is refused", shut),
        Evidence("exchange", "control: an id that nobody has shows something else", nobodys),
        Evidence("exchange", "bob asks for it below a thing of his own and gets the same", mixed),
    )
    return failed(f"{ref} shows what belongs to one user to another user who knows its id", (ref,), evidence)


def _changed(
    hers: Place, his: Place, kind: Kind, thing: Thing, route: Route, method: str, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    before = yield from _look(hers[0], kind, thing, alice)
    first = _view(kind, thing, before)
    if first is None or first != _view(kind, thing, (yield from _look(hers[0], kind, thing, alice))):
        return None
    request, _ = marked(at_number(his[0], _there(hers, his, route), thing.number, method), hers[0].canary)
    request = replace(request, body=b"" if method == "DELETE" else request.body, effect="write")
    anonymous = yield from send(request)
    tried = (yield from send(bob.on(request))) if anonymous.response.refused else None
    after = (
        (yield from _look(hers[0], kind, thing, alice)) if tried is not None and tried.response.went_through else None
    )
    if tried is None or after is None or _view(kind, thing, after) == first:
        return None
    if not (after.response.succeeded or after.response.status in (404, 410)):
        return None
    ref = RouteRef(method, route.path)
    evidence = (
        Evidence("exchange", "alice makes an object", thing.made),
        Evidence("exchange", "control: without a credential it is refused", anonymous),
        Evidence("exchange", "bob sends the change below a thing of his own", tried),
        Evidence("exchange", "alice looks again and it is no longer what she made", after),
    )
    return failed(f"{ref} lets one user change what another user stored", (ref,), evidence)


def _look(target: Target, kind: Kind, thing: Thing, who: Identity) -> Steps[Exchange | None]:
    if kind.thing is not None:
        return (yield from send(who.on(at_number(target, kind.thing, thing.number))))
    return (yield from send(who.on(target.request_for(kind.list_route, "GET")))) if kind.list_route else None


def _view(kind: Kind, thing: Thing, seen: Exchange | None) -> str | None:
    if seen is None or not seen.response.succeeded:
        return None
    if kind.thing is not None:
        return steady(seen.response.text)
    entry = entry_of(seen, kind.parameter, thing.number)
    return str(entry) if entry is not None else None
