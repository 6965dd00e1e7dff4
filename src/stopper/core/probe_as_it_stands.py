"""Accounts that were there: somebody else sends a change of one that says what stands in it already, and is answered with it."""

import json
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probe_baseline import attempt, steady
from stopper.core.probe_inputs import members
from stopper.core.probe_kinds import at_number
from stopper.core.probe_objects import inner_object
from stopper.core.probe_others_accounts import account, changing_routes, fits
from stopper.core.probe_own_values import SELF, own_numbers, says_whose

ROUTES_MOST: Final = 4
TELLING: Final = 3
"""Letters of a value that says whose an account is."""


def asked(target: Target, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """The verdicts on routes that change the account of the person they name, where the scan can register nobody: nothing is changed."""
    found: list[Verdict] = []
    routes = list(changing_routes(target))[:ROUTES_MOST] if target.mode == "active" else []
    if not routes or (yield from account(target, "first")) is not None:
        return found
    hers, his = (yield from _own(target, alice)), (yield from _own(target, bob))
    if hers is None or his is None:
        return found
    for route, method in routes:
        verdict = yield from attempt(_sent(target, route, method, (alice, hers), (bob, his)))
        found += [verdict] if verdict is not None else []
    return found


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
        elif PASSWORD.search(name) or as_parameter(name) not in stands:
            return None
        else:
            body[name] = stands[as_parameter(name)]
    return body or None
