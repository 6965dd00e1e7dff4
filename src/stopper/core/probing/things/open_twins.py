"""What a closed page or list shows its owner alone, and an open route shows or takes by that person's number: the pages ask who is there, and the API
below them does not."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.owner_names import PERSON
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.own_values import own_numbers, says_whose
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.things.kinds import at_number
from stopper.core.probing.things.objects import marked
from stopper.core.probing.things.open_writes import Open

CLOSED_MOST: Final = 6
"""Readings behind the log-in that are looked at for what is somebody's own."""
ROUTES_MOST: Final = 6
NUMBERS_MOST: Final = 2
TELLING: Final = 5
"""Letters of a text that says of something whose it is."""
_OWN: Final = (
    r"notes?|todos?|tasks?|expenses?|incomes?|budgets?|transactions?|payments?|invoices?|cards?|wallets?|addresses|salar(?:y|ies)|payslips?|grades?|"
    r"(?:medical-?)?records?|prescriptions?|medications?|diar(?:y|ies)|journals?|savings|debts?|bills?"
)
_KEPT: Final = re.compile(rf"(?i)(^|[/_-])({_OWN})(/|$)")
"""What somebody keeps for oneself, and nobody else adds to."""
_SHOWN: Final = re.compile(
    rf"(?i)(^|[/_-])({_OWN}|orders?|purchases?|statements?|messages?|inbox|carts?|baskets?|appointments?|bookings?|reservations?|tickets?|subscriptions?|claims?|drafts?|"
    r"loans?|contracts?|contacts?|documents?)(/|$)"
)
"""What nobody publishes of oneself."""
_TAG: Final = re.compile(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>")


def of_whom_alone(target: Target) -> Steps[list[Open]]:
    """The open routes under a person's number that show nobody in particular what only that person is shown behind the log-in; in an active run also
    those that store something there."""
    routes = list(_routes(target, "GET"))[:ROUTES_MOST]
    writes = list(_routes(target, "POST"))[:ROUTES_MOST] if target.mode == "active" else []
    people = [one for one in target.identities if one.headers]
    bob = next((one for one in people[1:] if one.headers != people[0].headers), None)
    if not (routes or writes) or bob is None:
        return []
    closed = yield from _closed(target, people[0])
    numbers = list(dict.fromkeys((yield from own_numbers(target, people[0], "user_id")).values()))[:NUMBERS_MOST]
    if not closed or not numbers:
        return []
    found: list[Open] = []
    hers = (
        (yield from _texts(target, closed, people[0])) - (yield from _texts(target, closed, bob))
        if routes
        else set[str]()
    )
    for route in routes if hers else ():
        shown = yield from attempt(_shown(target, route, numbers, hers))
        found += [shown] if shown is not None else []
    for route in writes:
        taken = yield from attempt(_taken(target, route, numbers, closed, (people[0], bob)))
        found += [taken] if taken is not None else []
    return found


def _routes(target: Target, method: str) -> Iterator[Route]:
    """Those that take one number, of a person by its name or by what stands before it, and are of what that person alone has."""
    theirs = _SHOWN if method == "GET" else _KEPT
    for route in target.app.routes:
        if not theirs.search(re.sub(r"\{[^{}]*\}", "", route.path)):
            continue
        if method in route.methods and len(route.parameters) == 1 and route.path.count("{") == 1 and not is_door(route):
            before = route.path.partition("/{")[0].rpartition("/")[2]
            if says_whose(route.parameters[0][0]) or PERSON.search(before):
                yield route


def _closed(target: Target, who: Identity) -> Steps[list[Route]]:
    """What is read without an id, and by nobody without a credential."""
    found: list[Route] = []
    plain = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    for route in plain[: CLOSED_MOST * 2]:
        anonymous = yield from attempt(send(target.request_for(route, "GET")))
        if anonymous is not None and (anonymous.response.refused or anonymous.response.sends_on):
            found.append(route)
    return found[:CLOSED_MOST]


def _texts(target: Target, routes: list[Route], who: Identity) -> Steps[set[str]]:
    found: set[str] = set()
    for route in routes:
        seen = yield from attempt(send(who.on(target.request_for(route, "GET"))))
        found |= set(_said(seen)) if seen is not None and seen.response.succeeded else set()
    return found


def _said(seen: Exchange) -> Iterator[str]:
    """The texts of an answer: of a page what stands between its tags, of JSON the values."""
    whole = seen.response.json()
    if whole is not None:
        yield from _values(whole, 5)
    elif seen.response.content_type == "text/html":
        for text in _TAG.sub("\n", seen.response.text[:300_000]).split("\n"):
            said = " ".join(text.split())
            if len(said) >= TELLING:
                yield said


def _values(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth:
        for item in cast("dict[str, object]", value).values():
            yield from _values(item, depth - 1)
    elif isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:50]:
            yield from _values(item, depth - 1)
    elif isinstance(value, str) and len(value) >= TELLING:
        yield value


def _shown(target: Target, route: Route, numbers: list[str], hers: set[str]) -> Steps[Open | None]:
    for number in numbers:
        seen = yield from send(at_number(target, route, number))
        if seen.response.succeeded and seen.response.json() is not None and hers & set(_said(seen)):
            return Open(RouteRef("GET", route.path), seen)
    return None


def _taken(
    target: Target, route: Route, numbers: list[str], closed: list[Route], people: tuple[Identity, Identity]
) -> Steps[Open | None]:
    """Nobody stores a random text under her number: she is shown it behind the log-in, and nobody else is."""
    for number in numbers:
        request, marks = marked(at_number(target, route, number, "POST"), target.canary)
        sent = (yield from send(request)) if marks else None
        if sent is None or not sent.response.succeeded:
            return None
        for one in closed:
            page = yield from send(people[0].on(target.request_for(one, "GET")))
            if not page.response.succeeded or not any(text in page.response.text for text in marks.values()):
                continue
            his = yield from send(people[1].on(target.request_for(one, "GET")))
            if not any(text in his.response.text for text in marks.values()):
                return Open(RouteRef("POST", route.path), sent, page)
    return None
