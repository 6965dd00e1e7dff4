"""Log-ins that give a token to whoever asks: no account is held against anything."""

import json
import secrets
from dataclasses import replace

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import BEST, PASSWORD
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, send
from stopper.core.probing.accounts.login import lets_in, login_requests, token_in
from stopper.core.probing.accounts.registration import registered
from stopper.core.probing.inputs import members


def lets_anybody_in(target: Target, route: Route) -> Steps[Verdict | None]:
    """The log-in gives a token to two people who do not exist, each by a password of its own, or asks for no password at all."""
    known = members(target.request_for(route, "POST"))
    if not BEST.search(route.path) and (not known or any(PASSWORD.search(name) for name in known)):
        return None
    came: list[Exchange] = []
    for number in range(2):
        name = f"nobody{number}-{target.canary}"
        request = next(login_requests(target, route, name, secrets.token_hex(8)))
        if known and not any(PASSWORD.search(member) for member in known):
            request = replace(request, body=json.dumps(dict.fromkeys(known, name)).encode())
        exchange = yield from send(request)
        if not token_in(exchange.response) or not lets_in(exchange.response):
            return None
        came.append(exchange)
    ref, asks = RouteRef("POST", route.path), not known or any(PASSWORD.search(member) for member in known)
    evidence = [Evidence("exchange", "somebody who does not exist is let in", one) for one in came]
    return failed(f"{ref} lets in whoever asks, by any name{' and password' * asks}", [ref], evidence)


def lets_in_by_any_password(target: Target, route: Route, way: int) -> Steps[Verdict | None]:
    """The log-in lets somebody in who has an account, twice by a password that is not the right one, and nobody who has none."""
    given = next((one for one in target.identities if one.subject and one.password and not one.guessed), None)
    person = given or (yield from registered(target))
    if person is None or person.subject is None:
        return None
    came: list[Exchange] = []
    for name in (f"nobody-{target.canary}@example.com", person.subject, person.subject):
        exchange = yield from send(list(login_requests(target, route, name, secrets.token_hex(8)))[way])
        if lets_in(exchange.response) is not (name == person.subject):
            return None
        came.append(exchange)
    ref = RouteRef("POST", route.path)
    evidence = [Evidence("exchange", "control: somebody who does not exist is refused", came[0])]
    evidence += [
        Evidence("exchange", "somebody who has an account is let in by a wrong password", one) for one in came[1:]
    ]
    return failed(f"{ref} lets in whoever has an account, by any password", [ref], evidence)
