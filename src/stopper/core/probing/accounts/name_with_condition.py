"""A log-in whose query finds the person by the name alone: the own name with a condition behind it lets in where the condition is true."""

from itertools import islice
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.login import entered, lets_in, login_requests, login_routes, retyped
from stopper.core.probing.baseline import attempt

_TRUE: Final = "' AND 'a'='a"
_FALSE: Final = "' AND 'a'='b"


def name_with_condition(target: Target) -> Steps[tuple[RouteRef, list[Evidence]] | None]:
    """The log-in that obeys a condition behind the name of somebody of the scan, shown with the right password."""
    for person in target.identities:
        if person.minted or person.subject is None or person.password is None:
            continue
        came = yield from attempt(_came(target, person))
        if came is None:
            return None
        password = person.password.reveal()
        true = retyped(came[1].request, person, password, f"{person.subject}{_TRUE}")
        false = retyped(came[1].request, person, password, f"{person.subject}{_FALSE}")
        if true is None or false is None or true.header("Authorization"):
            return None
        obeyed = yield from attempt(send(true))
        if obeyed is None or not _lets_in_alike(obeyed, came[1]):
            return None
        refused = yield from attempt(send(false))
        if refused is None or _lets_in_alike(refused, came[1]) or refused.response.status >= 500:
            return None
        evidence = [
            Evidence("exchange", "control: the own name lets in", came[1]),
            Evidence("exchange", "so does the own name with a condition behind it that is true", obeyed),
            Evidence("exchange", "with one that is false it does not", refused),
        ]
        return RouteRef("POST", came[0].path), evidence
    return None


def _came(target: Target, person: Identity) -> Steps[tuple[Route, Exchange] | None]:
    """How *person* logs in; who came in by registering does so now."""
    came = yield from entered(target, person)
    doors = login_routes(target)[:1]
    if came is None or any(door.path == came[0].path for door in login_routes(target)):
        return came
    if person.subject is None or person.password is None or not doors:
        return None
    for request in islice(login_requests(target, doors[0], person.subject, person.password.reveal()), 2):
        exchange = yield from send(request)
        if lets_in(exchange.response):
            return doors[0], exchange
    return None


def _lets_in_alike(one: Exchange, honest: Exchange) -> bool:
    """Whether an answer lets in as the honest one does: a page that sets a cookie for its words sends on to the log-in again."""
    return (
        lets_in(one.response)
        and one.response.status == honest.response.status
        and one.response.header("Location") == honest.response.header("Location")
    )
