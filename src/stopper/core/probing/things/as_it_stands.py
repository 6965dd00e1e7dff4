"""Accounts and what belongs to them that were there: somebody else sends a change that says what stands there already, and is let in."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.accounts.others_accounts import account, changing_routes, fits
from stopper.core.probing.accounts.own_values import SELF, own_numbers, parameter_of, says_whose
from stopper.core.probing.baseline import attempt, steady
from stopper.core.probing.inputs import members
from stopper.core.probing.things.kinds import at_number, route_at
from stopper.core.probing.things.objects import inner_object, is_masked
from stopper.core.probing.things.own_id import is_of_a_person
from stopper.core.probing.things.read_below import unknown

ROUTES_MOST: Final = 4
TELLING: Final = 3
"""Letters of a value that says whose an account is."""


def asked(target: Target, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """The verdicts on routes that change the account of the person they name, where the scan can register nobody: nothing is changed."""
    found: list[Verdict] = []
    routes = list(changing_routes(target))[:ROUTES_MOST] if target.mode == "active" else []
    below = list(_below(target))[:ROUTES_MOST] if target.mode == "active" else []
    if not (routes or below) or (yield from account(target, "first")) is not None:
        return found
    for route, method in below:
        verdict = yield from attempt(_under_her_id(target, route, method, alice, bob))
        found += [verdict] if verdict is not None else []
    hers, his = (yield from _own(target, alice)), (yield from _own(target, bob))
    if hers is None or his is None:
        return found
    for route, method in routes:
        verdict = yield from attempt(_sent(target, route, method, (alice, hers), (bob, his)))
        found += [verdict] if verdict is not None else []
    return found


def _below(target: Target) -> Iterator[tuple[Route, str]]:
    """What is read and changed at one path under somebody's own id: ``/customers/{id}/settings``."""
    for route in target.app.routes:
        method = next((one for one in ("PATCH", "PUT") if one in route.methods), None)
        if method is not None and route_at(target, route.path, "GET") is not None:
            reads = replace(route, methods=("GET",))
            if is_of_a_person(reads) and not PASSWORD.search(route.path):
                yield route, method


def _under_her_id(target: Target, route: Route, method: str, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    name = parameter_of(route)
    hers, his = (yield from own_numbers(target, alice, name)), (yield from own_numbers(target, bob, name))
    number = next((one for kind, one in hers.items() if his.get(kind) not in (None, one) and fits(route, one)), None)
    return (yield from sent_back(target, route, method, number, alice, bob)) if number is not None else None


def sent_back(
    target: Target, route: Route, method: str, number: str, alice: Identity, bob: Identity, thing: Route | None = None
) -> Steps[Verdict | None]:
    """Bob sends to a thing of Alice's what she reads there, or of the *thing* of which it is a part: he is let in, nobody without a credential
    is, and a thing that is not there is not changed either."""
    seen = yield from send(alice.on(at_number(target, thing or route, number)))
    shown = inner_object(seen.response.json())
    stands = {
        name: value
        for name, value in shown.items()
        if isinstance(value, (str, int, float)) and not PASSWORD.search(name) and name not in ("id", "_id")
    }
    if not seen.response.succeeded or not stands:
        return None
    honest = at_number(target, route, number, method)
    wanted = [value for name, value in shown.items() if name in members(honest)] or list(shown.values())
    if any(map(is_masked, wanted)) or (method == "PUT" and any(isinstance(value, (dict, list)) for value in wanted)):
        return None  # what takes the place of the whole would lose a part of it
    known = {name: stands[name] for name in members(honest) if name in stands}
    if thing is not None and (not known or len(known) < len(members(honest))):
        return None
    body = json.dumps(known or stands).encode()
    anonymous = yield from send(replace(honest, body=body))
    if (yield from send(alice.on(at_number(target, route, unknown(number))))).response.succeeded:
        return None  # somebody has that id
    nobodys = yield from send(alice.on(replace(at_number(target, route, unknown(number), method), body=body)))
    if not anonymous.response.refused or nobodys.response.succeeded:
        return None
    tried = yield from send(bob.on(replace(honest, body=body)))
    ref = RouteRef(method, route.path)
    if not tried.response.succeeded:
        return passed(f"{ref} refuses bob")
    evidence = (
        Evidence("exchange", "control: alice reads what is hers", seen),
        Evidence("exchange", "control: without a credential the change is refused", anonymous),
        Evidence("exchange", "control: under an id that nobody has nothing is changed", nobodys),
        Evidence("exchange", "bob sends what stands there already, and it is accepted", tried),
    )
    return failed(f"{ref} lets one user change what belongs to another", (ref,), evidence)


def _own(target: Target, person: Identity) -> Steps[Exchange | None]:
    """What a person is shown of the own account."""
    for route in [
        one for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)
    ][:2]:
        seen = yield from attempt(send(person.on(target.request_for(route, "GET"))))
        if seen is not None and seen.response.succeeded and inner_object(seen.response.json()):
            return seen
    return None


def _sent(
    target: Target, route: Route, method: str, hers: tuple[Identity, Exchange], his: tuple[Identity, Exchange]
) -> Steps[Verdict | None]:
    (alice, seen), (bob, own) = hers, his
    stands = {as_parameter(name): value for name, value in inner_object(seen.response.json()).items()}
    numbers = yield from own_numbers(target, alice, route.parameters[0][0])
    number = next((one for one in numbers.values() if fits(route, one)), None)
    if number is None or number in (yield from own_numbers(target, bob, route.parameters[0][0])).values():
        return None
    honest = at_number(target, route, number, method)
    body = _as_it_stands(honest, stands)
    if body is None:
        return None
    request = replace(honest, body=json.dumps(body).encode())
    anonymous = yield from send(request)
    if anonymous.response.succeeded:
        return None
    tried = yield from send(bob.on(request))
    ref = RouteRef(method, route.path)
    told = {as_parameter(name): value for name, value in inner_object(tried.response.json()).items()}
    others = {as_parameter(name): value for name, value in inner_object(own.response.json()).items()}
    sent = {str(value) for value in body.values()}
    hers_alone = [
        name
        for name, value in told.items()
        if isinstance(value, str)
        and len(value) >= TELLING
        and stands.get(name) == value != others.get(name)
        and value not in sent
    ]
    if not tried.response.succeeded or not hers_alone:
        return passed(f"{ref} does not answer bob with the account of alice")
    after = yield from send(alice.on(replace(seen.request, identity=None)))
    if steady(after.response.text) != steady(seen.response.text):
        return None
    evidence = (
        Evidence("exchange", "control: alice sees her account", seen),
        Evidence("exchange", "control: without a credential the change is refused", anonymous),
        Evidence("exchange", "bob sends what stands there already, and is answered with her account", tried),
    )
    return failed(f"{ref} lets one user change the account of another", (ref,), evidence)


def _as_it_stands(honest: Request, stands: dict[str, object]) -> dict[str, object] | None:
    """The body with the values that the account has; None where one of its members is not shown."""
    body: dict[str, object] = {}
    for name, value in members(honest).items():
        if says_whose(name) or name == "id":
            body[name] = value
        elif PASSWORD.search(name) or as_parameter(name) not in stands or is_masked(stands[as_parameter(name)]):
            return None
        else:
            body[name] = stands[as_parameter(name)]
    return body or None
