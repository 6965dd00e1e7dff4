"""What lies below a thing of one person, or stands under its id elsewhere: Bob gets what Alice gets, and an id that nobody has gives something else."""

import json
import re
import uuid
from dataclasses import replace

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.baseline import alike, same_but_for_the_caller, steady
from stopper.core.probing.inputs import members
from stopper.core.probing.things.kinds import Thing, at_number, route_at
from stopper.core.probing.things.objects import marked


def read_below(
    target: Target, thing: Thing, route: Route, method: str, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """``/cards/{id}/transactions``: Bob gets what Alice gets, and an id that nobody has gives something else."""
    if thing.shared:
        return None
    read = at_number(target, route, thing.number, method)
    own, anonymous = (yield from send(alice.on(read))), (yield from send(read))
    if not own.response.succeeded or alike(own.response, anonymous.response):
        return None
    nobodys = yield from send(alice.on(at_number(target, route, unknown(thing.number), method)))
    if same_whatever(nobodys, unknown(thing.number), own, thing.number):
        own = (yield from _filled_below(target, thing, route, alice)) or own
    if same_whatever(nobodys, unknown(thing.number), own, thing.number):
        return None
    foreign = yield from send(bob.on(read))
    ref = RouteRef(method, route.path)
    if not foreign.response.succeeded or not same_but_for_the_caller(own.response, foreign.response):
        return passed(f"{ref} does not show alice's object to bob")
    evidence = (
        Evidence("exchange", "alice makes an object, or has it in her own list", thing.made),
        Evidence("exchange", "control: without a credential it is not shown", anonymous),
        Evidence("exchange", "control: under an id that nobody has stands something else", nobodys),
        Evidence("exchange", "control: alice reads it", own),
        Evidence("exchange", "bob reads it under the same id and gets the same", foreign),
    )
    return failed(f"{ref} shows what one user stored to another user who knows its id", (ref,), evidence)


def _filled_below(target: Target, thing: Thing, route: Route, alice: Identity) -> Steps[Exchange | None]:
    """What Alice reads there once she has stored something below her thing, where nothing was."""
    create = route_at(target, route.path, "POST")
    if target.mode != "active" or create is None or thing.made.request.method != "POST":
        return None  # nothing is stored in what was there before
    honest = (
        target.request_for(create, "POST") if not create.parameters else at_number(target, create, thing.number, "POST")
    )
    request, _ = marked(honest, target.canary)
    said = members(request)
    its = [name for name, where in route.parameters if where == "query" and name in said]
    if its:
        request = replace(request, body=json.dumps({**said, **dict.fromkeys(its, thing.number)}).encode())
    elif not create.parameters:
        return None
    made = yield from send(alice.on(request))
    return (yield from send(alice.on(at_number(target, route, thing.number)))) if made.response.succeeded else None


def unknown(number: str) -> str:
    """An id of the same form that nobody has."""
    if number.isascii() and number.isdigit():
        return "9" * max(8, len(number))
    if re.fullmatch(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", number):
        return str(uuid.UUID(int=2**122 - 7919))
    return f"{number[:1]}stopper-nobody"


def same_whatever(first: Exchange, number: str, second: Exchange, other: str) -> bool:
    """Whether the same is answered, whatever the *number* and the *other* that were asked for; a 1 may stand there for something else."""
    if first.response.status != second.response.status:
        return False
    one, two = steady(first.response.text), steady(second.response.text)
    return one == two or one.replace(number, "…") == two.replace(other, "…")
